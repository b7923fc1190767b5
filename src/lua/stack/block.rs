//! One raw userdata per object: a fixed header that names its class, checked by address.

use std::cell::OnceCell;
use std::os::raw::c_int;
use std::thread::LocalKey;

use mlua::ffi as l;
use mlua::lua_State;

use super::push;
use super::raise::Raise;
use crate::native::process::generation;

/// What a userdata of ours holds.
#[repr(C)]
struct Block {
    /// The class's registry key: an address that only `create` writes into a userdata.
    class: *const u8,
    /// Of the fork generation that made it.
    generation: u32,
    state: *mut std::os::raw::c_void,
}

/// A class users see.
pub trait Class: Sized + 'static {
    /// `kafka.Producer`.
    const NAME: &'static str;
    /// Its address is the registry's key for the class's metatable.
    fn registry_key() -> &'static u8;
    /// Closed for the user, whatever still goes on inside.
    fn is_closed(&self) -> bool;
    /// A closed object to answer for those whose `__gc` was called by hand.
    fn make_husk() -> Option<Self>;
    /// One for each thread that needs it.
    fn husk_of_thread() -> &'static LocalKey<OnceCell<Option<&'static Self>>>;
}

/// A collected object still answers `closed`, `close`, `name` and `tostring`.
fn husk<T: Class>() -> Result<&'static T, Raise> {
    let made = T::husk_of_thread().with(|husk| *husk.get_or_init(|| T::make_husk().map(|husk| &*Box::leak(Box::new(husk)))));
    made.ok_or_else(closed::<T>)
}

/// Makes an object.
///
/// # Safety
/// The class's metatable is in the registry.
pub unsafe fn create<T: Class>(L: *mut lua_State, state: T) {
    // SAFETY: the block is written whole before the metatable, and with it `__gc`, is set.
    unsafe {
        let block = l::lua_newuserdata(L, size_of::<Block>()).cast::<Block>();
        let class = std::ptr::from_ref(T::registry_key());
        block.write(Block { class, generation: generation(), state: Box::into_raw(Box::new(state)).cast() });
        l::lua_rawgetp(L, l::LUA_REGISTRYINDEX, push::key(T::registry_key()));
        l::lua_setmetatable(L, -2);
    }
}

/// The object at stack place 1, if it is of class `T`: told by size and address, two calls where
/// comparing metatables takes five.
///
/// # Safety
/// `L` is the calling state.
#[inline]
unsafe fn block<'a, T: Class>(L: *mut lua_State) -> Result<&'a mut Block, Raise> {
    // SAFETY: as `block_at`.
    unsafe { block_at::<T>(L, 1) }
}

/// As [`block`], for the object at any place.
///
/// # Safety
/// `L` is the calling state.
#[inline]
unsafe fn block_at<'a, T: Class>(L: *mut lua_State, index: c_int) -> Result<&'a mut Block, Raise> {
    // SAFETY: a userdata of this size is readable to its end (that of a light one is 0). The address
    // is there only if `create` wrote it; memory it may be left in has lost its state to `__gc`.
    unsafe {
        let block = l::lua_touserdata(L, index).cast::<Block>();
        if !block.is_null() && l::lua_rawlen(L, index) as usize == size_of::<Block>() && (*block).class == T::registry_key() {
            return Ok(&mut *block);
        }
        Err(other::<T>())
    }
}

#[cold]
fn other<T: Class>() -> Raise {
    Raise::Expected(1, T::NAME.into())
}

/// `(object, metatable)`: gives an object of ours a metatable that differs from its class's in some
/// methods. Functions of the class take it as before.
///
/// # Safety
/// An object of ours at 1, a table of ours at 2; run protected.
pub unsafe fn make_variant(L: *mut lua_State) {
    // SAFETY: by the caller's promise.
    unsafe {
        l::lua_setmetatable(L, 1);
        l::lua_settop(L, 0);
    }
}

/// The object at stack place 1, open or closed, of this process.
///
/// # Safety
/// As [`block`]. The object lives while it is on the stack.
#[inline]
pub unsafe fn any<'a, T: Class>(L: *mut lua_State) -> Result<&'a T, Raise> {
    // SAFETY: `state` is set by `create` and null only after collection.
    unsafe {
        let block = block::<T>(L)?;
        if block.generation != generation() {
            return Err(Raise::Forked);
        }
        block.state.cast::<T>().as_ref().map_or_else(husk::<T>, Ok)
    }
}

/// The object at stack place 1 even in a forked child: for what only reads memory.
///
/// # Safety
/// As [`any`].
pub unsafe fn even_forked<'a, T: Class>(L: *mut lua_State) -> Result<&'a T, Raise> {
    // SAFETY: as `any`.
    unsafe { block::<T>(L)?.state.cast::<T>().as_ref().map_or_else(husk::<T>, Ok) }
}

/// The object at stack place 1, which must be open.
///
/// # Safety
/// As [`any`].
#[inline]
pub unsafe fn open<'a, T: Class>(L: *mut lua_State) -> Result<&'a T, Raise> {
    // SAFETY: as `any`.
    let state = unsafe { any::<T>(L)? };
    if state.is_closed() {
        return Err(closed::<T>());
    }
    Ok(state)
}

#[cold]
pub fn closed<T: Class>() -> Raise {
    Raise::Caller(format!("attempt to use a closed {}", T::NAME))
}

/// `__gc`: gives the state up once. By hand it may be called on anything, any number of times.
///
/// # Safety
/// As [`block`].
unsafe fn collect<T: Class>(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: the pointer came from a Box and is taken once.
    unsafe {
        let block = block::<T>(L)?;
        let state = std::mem::replace(&mut block.state, std::ptr::null_mut()).cast::<T>();
        if !state.is_null() {
            let state = Box::from_raw(state);
            if block.generation == generation() {
                drop(state);
            } else {
                // The parent's: threads, descriptors and brokers behind it are not ours to close.
                std::mem::forget(state);
            }
        }
        Ok(0)
    }
}

/// # Safety
/// Called by Lua only, with `T`'s metatable as upvalue 1.
pub unsafe extern "C-unwind" fn collect_entry<T: Class>(L: *mut lua_State) -> c_int {
    // SAFETY: Lua passes the calling state.
    unsafe { super::raise::enter(L, super::raise::CLASSIC, collect::<T>) }
}

/// Pushes the callbacks table of the object at stack place 1.
///
/// # Safety
/// As [`block`], checked before.
#[inline]
pub unsafe fn push_callbacks(L: *mut lua_State) -> Result<(), Raise> {
    // SAFETY: the place holds an object of ours.
    unsafe { push_table_of(L, 1) }
}

/// As [`push_callbacks`], for an object of class `T` at the top, which it replaces.
///
/// # Safety
/// `L` is the calling state; the stack is not empty.
pub unsafe fn into_callbacks<T: Class>(L: *mut lua_State) -> Result<(), Raise> {
    // SAFETY: the object is checked first.
    unsafe {
        let index = l::lua_gettop(L);
        block_at::<T>(L, index).map_err(|_| Raise::Replaced)?;
        push_table_of(L, index)?;
        l::lua_remove(L, index);
    }
    Ok(())
}

/// # Safety
/// A userdata lies at `index`; one stack slot is free.
#[inline]
unsafe fn push_table_of(L: *mut lua_State, index: c_int) -> Result<(), Raise> {
    // SAFETY: the debug library may have put anything there, on 5.1 any table.
    unsafe {
        l::lua_getuservalue(L, index);
        if cfg!(not(feature = "lua51")) && l::lua_type(L, -1) != l::LUA_TTABLE {
            return Err(Raise::Replaced);
        }
    }
    Ok(())
}

/// Pushes what the callbacks table at the absolute index `table` has at `place`; anything but a `kind` there is another's.
///
/// # Safety
/// [`push_callbacks`] has pushed `table`; one stack slot is free.
#[inline]
pub unsafe fn push_kept(L: *mut lua_State, table: c_int, place: l::lua_Integer, kind: c_int) -> Result<(), Raise> {
    // SAFETY: a raw get on a table.
    unsafe {
        l::lua_rawgeti(L, table, place);
        if l::lua_type(L, -1) != kind {
            return Err(Raise::Replaced);
        }
    }
    Ok(())
}
