//! A message on its way out, read from its places on the stack: topic, value, key, then the table it
//! came in or its options, then each of those.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;

use super::raise::Raise;
use super::{args, arity, block};
use crate::client::producer::Outgoing;
use crate::lua::producer::Producer;
use crate::model::nearest::nearest;
use crate::model::number;
use crate::native::headers::Headers;

/// Where a message lies: `first` is the place of its topic, the rest follow.
#[derive(Clone, Copy)]
pub struct Places {
    pub first: c_int,
}

/// Fields of a message table. The last five are options of the positional call too.
const FIELDS: [&str; 8] = ["topic", "value", "key", "partition", "headers", "timestamp", "on_delivery", "opaque"];

/// Places of the tables in a client's callbacks table.
pub const SLOT_CALLBACKS: l::lua_Integer = 1;
pub const SLOT_OPAQUES: l::lua_Integer = 2;

impl Places {
    pub fn topic(self) -> c_int {
        self.first
    }

    pub fn value(self) -> c_int {
        self.first + 1
    }

    pub fn key(self) -> c_int {
        self.first + 2
    }

    /// The table the rest comes from, or nil.
    pub fn table(self) -> c_int {
        self.first + 3
    }

    fn partition(self) -> c_int {
        self.first + 4
    }

    fn headers(self) -> c_int {
        self.first + 5
    }

    fn timestamp(self) -> c_int {
        self.first + 6
    }

    fn on_delivery(self) -> c_int {
        self.first + 7
    }

    fn opaque(self) -> c_int {
        self.first + 8
    }

    /// How many there are.
    pub const COUNT: c_int = 9;

    /// Where the field of that name goes; `options`: topic, value and key are none.
    fn of(self, name: &[u8], options: bool) -> Option<c_int> {
        match name {
            b"topic" if !options => Some(self.topic()),
            b"value" if !options => Some(self.value()),
            b"key" if !options => Some(self.key()),
            b"partition" => Some(self.partition()),
            b"headers" => Some(self.headers()),
            b"timestamp" => Some(self.timestamp()),
            b"on_delivery" => Some(self.on_delivery()),
            b"opaque" => Some(self.opaque()),
            _ => None,
        }
    }
}

/// Puts the fields of the table at its place where they belong. A table with a metatable may have them
/// from there: then its metamethods run, and may raise. True when nothing else was in the table, false
/// when that is for [`refuse_unknown`] to find out.
///
/// # Safety
/// All places exist and hold nil but for the table's and, with `options`, those before; nothing of
/// Rust's is alive.
pub unsafe fn unfold(L: *mut lua_State, places: Places, options: bool) -> bool {
    // SAFETY: gets from a table, each value put into its place.
    unsafe {
        if l::lua_getmetatable(L, places.table()) == 0 {
            return unfold_raw(L, places, options);
        }
        l::lua_settop(L, -2);
        for name in FIELDS {
            if let Some(place) = places.of(name.as_bytes(), options) {
                l::lua_pushlstring(L, name.as_ptr().cast(), name.len());
                l::lua_gettable(L, places.table());
                l::lua_replace(L, place);
            }
        }
        false
    }
}

/// As [`unfold`] for a table without metamethods, whose fields are looked at once. Makes no value.
///
/// # Safety
/// As [`unfold`].
pub unsafe fn unfold_raw(L: *mut lua_State, places: Places, options: bool) -> bool {
    // SAFETY: lua_next over an unchanged table with a key of its own; a key that is no string is not
    // converted.
    unsafe {
        let key = l::lua_gettop(L) + 1;
        let mut all_known = true;
        l::lua_pushnil(L);
        while l::lua_next(L, places.table()) != 0 {
            let name = if l::lua_type(L, key) == l::LUA_TSTRING { args::string(L, key) } else { None };
            match name.and_then(|name| places.of(name, options)) {
                Some(place) => l::lua_replace(L, place),
                None => {
                    all_known = false;
                    l::lua_settop(L, key);
                }
            }
        }
        all_known
    }
}

/// What names a fault of a message: the argument's place, or the field.
#[derive(Clone, Copy)]
pub struct Naming {
    /// The argument to blame.
    pub argument: c_int,
    /// "option" of a call, "field" of a table, "field" of messages[17].
    pub kind: &'static str,
    pub index: Option<usize>,
}

impl Naming {
    pub fn fault(self, name: &str, why: &str) -> Raise {
        let place = self.index.map(|index| format!("messages[{index}]: ")).unwrap_or_default();
        Raise::Arg(self.argument, format!("{place}{} '{name}': {why}", self.kind))
    }
}

/// Refuses what no message has.
///
/// # Safety
/// A table lies at its place.
pub unsafe fn refuse_unknown(L: *mut lua_State, places: Places, options: bool, naming: Naming) -> Result<(), Raise> {
    // SAFETY: lua_next over an unchanged table with a key of its own; the key is not converted.
    unsafe {
        l::lua_pushnil(L);
        while l::lua_next(L, places.table()) != 0 {
            l::lua_settop(L, -2);
            let top = l::lua_gettop(L);
            let known = l::lua_type(L, top) == l::LUA_TSTRING
                && args::bytes(L, top).is_some_and(|name| places.of(name, options).is_some());
            if !known {
                let name = match args::text_of(L, top) {
                    Some(name) => String::from_utf8_lossy(&name).into_owned(),
                    None => args::basic_type(L, top).into(),
                };
                return Err(unknown(&name, options, naming));
            }
        }
    }
    Ok(())
}

#[cold]
fn unknown(name: &str, options: bool, naming: Naming) -> Raise {
    let names = || FIELDS.into_iter().skip(if options { 3 } else { 0 });
    let hint = nearest(name, names()).map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
    naming.fault(name, &format!("unknown; {} are known{hint}", names().collect::<Vec<_>>().join(", ")))
}

/// Reads what comes besides topic, value and key.
///
/// # Safety
/// The message lies in its places.
pub unsafe fn read_options(L: *mut lua_State, places: Places, message: &mut Outgoing, naming: Naming) -> Result<(), Raise> {
    // SAFETY: raw reads.
    unsafe {
        if let Some(partition) = integer(L, places.partition(), -1, i64::from(i32::MAX), "partition", naming)? {
            message.partition = partition as i32;
        }
        message.extras.timestamp = integer(L, places.timestamp(), 0, i64::MAX, "timestamp", naming)?;
        match l::lua_type(L, places.headers()) {
            l::LUA_TNIL => {}
            l::LUA_TTABLE => message.extras.headers = Some(headers(L, places.headers(), naming)?),
            _ => {
                let got = args::basic_type(L, places.headers());
                return Err(naming.fault("headers", &format!("table expected, got {got}")));
            }
        }
        let callback = l::lua_type(L, places.on_delivery());
        if callback != l::LUA_TNIL && callback != l::LUA_TFUNCTION {
            let got = args::basic_type(L, places.on_delivery());
            return Err(naming.fault("on_delivery", &format!("function expected, got {got}")));
        }
    }
    Ok(())
}

/// # Safety
/// `index` is an option's place.
unsafe fn integer(
    L: *mut lua_State,
    index: c_int,
    low: i64,
    high: i64,
    name: &str,
    naming: Naming,
) -> Result<Option<i64>, Raise> {
    // SAFETY: conversions that cannot raise.
    unsafe {
        if l::lua_type(L, index) == l::LUA_TNIL {
            return Ok(None);
        }
        let value = args::number(L, index)
            .ok_or_else(|| naming.fault(name, &format!("integer expected, got {}", args::basic_type(L, index))))?;
        number::within(value, low, high).map(Some).map_err(|why| naming.fault(name, &why))
    }
}

/// An array of {name, value} pairs, order and repeats kept, or a map.
///
/// # Safety
/// A table lies at `place`.
unsafe fn headers(L: *mut lua_State, place: c_int, naming: Naming) -> Result<Headers, Raise> {
    // SAFETY: raw gets; strings stay on the stack while they are copied.
    unsafe {
        let pairs = l::lua_rawlen(L, place);
        let mut list = Headers::new(pairs);
        if pairs == 0 {
            map_headers(L, place, &mut list, naming)?;
            return Ok(list);
        }
        for i in 1..=pairs {
            l::lua_rawgeti(L, place, i as l::lua_Integer);
            let pair = l::lua_gettop(L);
            let wrong = |got: &str| Err(naming.fault("headers", &format!("{{name, value}} expected at index {i}, got {got}")));
            if l::lua_type(L, pair) != l::LUA_TTABLE {
                return wrong(args::basic_type(L, pair));
            }
            match l::lua_rawlen(L, pair) {
                0 => return wrong("a table without a first entry"),
                1 | 2 => {}
                more => return wrong(&format!("{more} entries")),
            }
            l::lua_rawgeti(L, pair, 1);
            l::lua_rawgeti(L, pair, 2);
            header(L, &mut list, pair + 1, pair + 2, naming)?;
            l::lua_settop(L, pair - 1);
        }
        // What lies beside the array would be lost in silence.
        if args::count_entries(L, place) != pairs {
            let why = "an array of {name, value} or a map of names to values expected, got an array with other keys beside it";
            return Err(naming.fault("headers", why));
        }
        Ok(list)
    }
}

/// # Safety
/// As [`headers`].
unsafe fn map_headers(L: *mut lua_State, place: c_int, list: &mut Headers, naming: Naming) -> Result<(), Raise> {
    // SAFETY: keys are read, not converted in place, so lua_next finds them unchanged.
    unsafe {
        l::lua_pushnil(L);
        while l::lua_next(L, place) != 0 {
            let value = l::lua_gettop(L);
            header(L, list, value - 1, value, naming)?;
            l::lua_settop(L, value - 1);
        }
    }
    Ok(())
}

/// # Safety
/// Name and value lie at the absolute indices given.
unsafe fn header(L: *mut lua_State, list: &mut Headers, name: c_int, value: c_int, naming: Naming) -> Result<(), Raise> {
    // SAFETY: slices of values that stay on the stack.
    unsafe {
        let Some(name_bytes) = args::text_of(L, name) else {
            return Err(naming.fault("headers", &format!("a name must be a string, got {}", args::basic_type(L, name))));
        };
        if name_bytes.contains(&0) {
            let why = format!("the name '{}' contains a NUL byte", name_bytes.escape_ascii());
            return Err(naming.fault("headers", &why));
        }
        let value_bytes = args::text_of(L, value);
        if value_bytes.is_none() && l::lua_type(L, value) != l::LUA_TNIL {
            let got = args::basic_type(L, value);
            let why = format!("the value of '{}' must be a string or nil, got {got}", name_bytes.escape_ascii());
            return Err(naming.fault("headers", &why));
        }
        list.add(&name_bytes, value_bytes.as_deref());
    }
    Ok(())
}

/// Whether the message's own callback will not look at its report. An opaque is a part of that.
///
/// # Safety
/// The message lies in its places, two stack slots are free, nothing of Rust's is alive.
pub unsafe fn is_brief(L: *mut lua_State, places: Places) -> bool {
    // SAFETY: a function lies there.
    unsafe {
        l::lua_type(L, places.on_delivery()) == l::LUA_TFUNCTION
            && l::lua_type(L, places.opaque()) == l::LUA_TNIL
            && arity::takes_no_report(L, places.on_delivery())
    }
}

/// Puts callback and opaque aside under a number, if there are any.
///
/// # Safety
/// The message lies in its places.
pub unsafe fn take_slot(L: *mut lua_State, places: Places, state: &Producer) -> Result<Option<u32>, Raise> {
    // SAFETY: raw sets into tables of ours.
    unsafe {
        let is_given = |place| l::lua_type(L, place) != l::LUA_TNIL;
        let (callback, opaque) = (is_given(places.on_delivery()), is_given(places.opaque()));
        if !callback && !opaque {
            return Ok(None);
        }
        block::push_callbacks(L)?;
        let kept = l::lua_gettop(L);
        let wanted = [(callback, SLOT_CALLBACKS, places.on_delivery()), (opaque, SLOT_OPAQUES, places.opaque())];
        for (_, table, _) in wanted.into_iter().filter(|(wanted, ..)| *wanted) {
            block::push_kept(L, kept, table, l::LUA_TTABLE)?;
        }
        let slot = state.slots.take(&*state.open()?);
        for (_, _, value) in wanted.into_iter().rev().filter(|(wanted, ..)| *wanted) {
            l::lua_pushvalue(L, value);
            l::lua_rawseti(L, -2, slot as l::lua_Integer);
            l::lua_settop(L, -2);
        }
        l::lua_settop(L, kept - 1);
        Ok(Some(slot))
    }
}

/// # Safety
/// `slot` was taken by [`take_slot`], and no Lua has run since.
pub unsafe fn clear_slot(L: *mut lua_State, slot: u32) {
    // SAFETY: raw sets into tables, which are checked.
    unsafe {
        let top = l::lua_gettop(L);
        if block::push_callbacks(L).is_ok() {
            for table in [SLOT_CALLBACKS, SLOT_OPAQUES] {
                if block::push_kept(L, top + 1, table, l::LUA_TTABLE).is_ok() {
                    l::lua_pushnil(L);
                    l::lua_rawseti(L, -2, slot as l::lua_Integer);
                }
            }
        }
        l::lua_settop(L, top);
    }
}
