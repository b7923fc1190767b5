//! A table with fields known beforehand, of which there is one a message: the fastest way to make it.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;

/// What a function that makes such tables has as upvalues, in this order.
#[derive(Clone, Copy)]
pub struct Record {
    /// A chunk that returns a function of the fields, or nil where fields are better set one by one.
    pub maker: &'static str,
    /// Their names: strings that Lua then need not look up.
    pub fields: &'static [&'static str],
    /// Further strings.
    pub words: &'static [&'static str],
}

const MAKER: c_int = l::lua_upvalueindex(1);

impl Record {
    const fn field(index: usize) -> c_int {
        l::lua_upvalueindex(2 + index as c_int)
    }

    /// Where the `index`th of the further strings lies.
    pub const fn word(self, index: usize) -> c_int {
        Self::field(self.fields.len() + index)
    }

    /// Begins a table: its fields are to be pushed in their order, nil for those it does not have.
    ///
    /// # Safety
    /// In a function that has the record as upvalues; one stack slot is free.
    pub unsafe fn begin(self, L: *mut lua_State) {
        // SAFETY: an upvalue of ours.
        unsafe { l::lua_pushvalue(L, MAKER) };
    }

    /// Makes one table of what was pushed.
    ///
    /// # Safety
    /// As [`Record::begin`], with all fields on top of the stack and three slots free.
    pub unsafe fn end(self, L: *mut lua_State) {
        let count = self.fields.len() as c_int;
        // SAFETY: a call of a function of ours, or raw sets into a fresh table.
        unsafe {
            let maker = l::lua_gettop(L) - count;
            if l::lua_type(L, maker) != l::LUA_TNIL {
                l::lua_call(L, count, 1);
                return;
            }
            l::lua_createtable(L, 0, count);
            for index in 0..self.fields.len() {
                let value = maker + 1 + index as c_int;
                if l::lua_type(L, value) != l::LUA_TNIL {
                    l::lua_pushvalue(L, Self::field(index));
                    l::lua_pushvalue(L, value);
                    l::lua_rawset(L, -3);
                }
            }
            l::lua_replace(L, maker);
            l::lua_settop(L, maker);
        }
    }
}
