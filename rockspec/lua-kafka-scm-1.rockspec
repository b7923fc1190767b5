rockspec_format = "3.0"
package = "lua-kafka"
version = "scm-1"

-- Not published yet: build from a checkout with `luarocks make`. (`make hammer` packs a source rock by putting its
-- own archive here.)
source = {
    url = "git+https://lua-kafka.invalid/lua-kafka.git",
}

description = {
    summary = "Apache Kafka for Lua: a native client that never loses a message silently",
    detailed = [[
        A self-contained native module on librdkafka for Lua 5.1, LuaJIT, 5.2, 5.3 and 5.4: producer, consumer,
        and a mock cluster for tests. require "kafka".
    ]],
    license = "MIT",
    labels = { "kafka", "messaging", "streaming" },
}

supported_platforms = { "unix" }

dependencies = {
    "lua >= 5.1, < 5.5",
}

build = {
    type = "command",
    -- LuaRocks sets CC; unset, so that cargo does not take it for a changed compiler and build everything again.
    build_command = 'env -u CC sh scripts/build "$(LUA)"',
    install_command = 'sh scripts/rock-install "$(LUA)" "$(LIBDIR)"',
    copy_directories = { "types", "docs" },
}
