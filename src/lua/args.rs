//! Arguments of ordinary calls.

use mlua::prelude::*;

use super::stack::cold::Args;
use super::stack::raise::Raise;
use crate::model::config::{Entries, Value};
use crate::model::number;

impl Args {
    /// Checks how many arguments there are after self.
    pub fn count(&self, least: usize, most: usize) -> Result<(), Raise> {
        let given = self.values.len();
        if given < least || given > most {
            let place = self.first - 1 + i32::try_from(given).unwrap_or(i32::MAX - 2);
            return Err(Raise::Arg(place, "incorrect number of arguments".into()));
        }
        Ok(())
    }

    /// The value at `index`, counted from 0 after self.
    pub fn get(&self, index: usize) -> &LuaValue {
        self.values.get(index).unwrap_or(&LuaValue::Nil)
    }

    pub fn fault(&self, index: usize, why: impl Into<String>) -> Raise {
        Raise::Arg(self.first + i32::try_from(index).unwrap_or(0), why.into())
    }

    fn expected(&self, index: usize, what: &str) -> Raise {
        let got = match self.get(index) {
            _ if index >= self.values.len() => "no value",
            LuaValue::Other(_) => "cdata", // LuaJIT's
            value => value.type_name(),
        };
        self.fault(index, format!("{what} expected, got {got}"))
    }

    /// A string, or a number as Lua prints it.
    pub fn bytes(&self, index: usize) -> Result<Vec<u8>, Raise> {
        match entry_value(self.get(index)) {
            Some(Value::Flag(_)) | None => Err(self.expected(index, "string")),
            Some(value) => Ok(value.text()),
        }
    }

    pub fn text(&self, index: usize) -> Result<String, Raise> {
        String::from_utf8(self.bytes(index)?).map_err(|_| self.fault(index, "text expected, got bytes that are not UTF-8"))
    }

    pub fn integer(&self, index: usize, low: i64, high: i64) -> Result<i64, Raise> {
        let value = match self.get(index) {
            LuaValue::Integer(value) => number::from_integer(*value),
            LuaValue::Number(value) => *value,
            _ => return Err(self.expected(index, "number")),
        };
        number::within(value, low, high).map_err(|why| self.fault(index, why))
    }

    /// A timeout in milliseconds, or `default` for nil and none.
    pub fn timeout(&self, index: usize, default: i64) -> Result<i64, Raise> {
        let value = match self.get(index) {
            LuaValue::Nil => return Ok(default),
            LuaValue::Integer(value) => number::from_integer(*value),
            LuaValue::Number(value) => *value,
            _ => return Err(self.expected(index, "number")),
        };
        number::timeout(value).map_err(|why| self.fault(index, why))
    }

    pub fn int32(&self, index: usize, low: i32) -> Result<i32, Raise> {
        Ok(self.integer(index, i64::from(low), i64::from(i32::MAX))? as i32)
    }

    pub fn optional_int32(&self, index: usize, low: i32) -> Result<Option<i32>, Raise> {
        if self.get(index).is_nil() {
            return Ok(None);
        }
        self.int32(index, low).map(Some)
    }

    pub fn table(&self, index: usize) -> Result<&LuaTable, Raise> {
        match self.get(index) {
            LuaValue::Table(table) => Ok(table),
            _ => Err(self.expected(index, "table")),
        }
    }

    pub fn optional_table(&self, index: usize) -> Result<Option<&LuaTable>, Raise> {
        if self.get(index).is_nil() {
            return Ok(None);
        }
        self.table(index).map(Some)
    }
}

fn entry_value(value: &LuaValue) -> Option<Value> {
    match value {
        LuaValue::String(text) => Some(Value::Text(text.as_bytes().to_vec())),
        LuaValue::Integer(number) => Some(Value::Integer(*number)),
        LuaValue::Number(number) => Some(Value::Number(*number)),
        LuaValue::Boolean(flag) => Some(Value::Flag(*flag)),
        _ => None,
    }
}

/// Reads what the embedded Lua made of an option table: key, value, key, value, … It has checked
/// the types, so that a user's metamethods run in Lua alone.
pub fn entries(flat: &LuaTable) -> Result<Entries, Raise> {
    let mut found = Entries::new();
    for index in (1..=flat.raw_len()).step_by(2) {
        let key: LuaValue = flat.raw_get(index)?;
        let value: LuaValue = flat.raw_get(index + 1)?;
        if let (LuaValue::String(key), Some(value)) = (key, entry_value(&value)) {
            found.push((key.as_bytes().to_vec(), value));
        }
    }
    Ok(found)
}

/// A table of strings as bytes.
pub fn strings(list: &LuaTable) -> Result<Vec<Vec<u8>>, Raise> {
    (1..=list.raw_len()).map(|index| Ok(list.raw_get::<LuaString>(index)?.as_bytes().to_vec())).collect()
}
