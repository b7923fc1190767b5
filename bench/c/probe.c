/* A small Lua module for the Lua programs: the twins' own clocks and memory gauge, and an empty
 * function to compare with. */
#include <lauxlib.h>
#include <lua.h>

#include "measure.h"

static int probe_now(lua_State *L) {
    lua_pushnumber(L, measure_now());
    return 1;
}

static int probe_cpu(lua_State *L) {
    lua_pushnumber(L, measure_cpu());
    return 1;
}

static int probe_sleep(lua_State *L) {
    measure_sleep(luaL_checknumber(L, 1));
    return 0;
}

static int probe_rss(lua_State *L) {
    lua_pushnumber(L, measure_rss());
    return 1;
}

static int probe_empty(lua_State *L) {
    (void)L;
    return 0;
}

static void add(lua_State *L, const char *name, lua_CFunction function) {
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

int luaopen_probe(lua_State *L) {
    lua_newtable(L);
    add(L, "now", probe_now);
    add(L, "cpu", probe_cpu);
    add(L, "sleep", probe_sleep);
    add(L, "rss", probe_rss);
    add(L, "empty", probe_empty);
    return 1;
}
