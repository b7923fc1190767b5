//! This module's own options, as the embedded Lua has checked and gathered them.

use mlua::prelude::*;

use crate::client::acks::Mode;
use crate::client::config::Settings;
use crate::native::conf::LogTarget;
use crate::native::shared::Wanted;

/// How many messages may wait for their ack where the program is silent.
const MAX_UNACKED: i64 = 10_000;

/// `own` holds our options by name, absent ones absent.
pub fn read(own: &LuaTable) -> LuaResult<Settings> {
    let has = |name: &str| Ok::<_, LuaError>(!own.raw_get::<LuaValue>(name)?.is_nil());
    let number = |name: &str, default: i64| Ok::<_, LuaError>(own.raw_get::<Option<i64>>(name)?.unwrap_or(default));
    let log = match own.raw_get::<LuaValue>("on_log")? {
        LuaValue::Function(_) => LogTarget::Events,
        LuaValue::String(name) if name.as_bytes() == *b"stderr" => LogTarget::Stderr,
        LuaValue::String(name) if name.as_bytes() == *b"syslog" => LogTarget::Syslog,
        _ => LogTarget::None,
    };
    Ok(Settings {
        wanted: Wanted {
            errors: has("on_error")?,
            stats: has("on_stats")?,
            throttle: has("on_throttle")?,
            tokens: has("on_oauth_token")?,
            reports: has("on_delivery")?,
            only_failed_reports: false,
            report_every: own.raw_get::<Option<u32>>("delivery_report_every")?.unwrap_or(0),
            checkpoints: has("on_checkpoint")?,
            raised_errors: false,
            rebalances: has("on_assign")? || has("on_revoke")? || has("on_lost")?,
            commits: has("on_commit")?,
        },
        log,
        allow_unsafe: own.raw_get::<Option<bool>>("allow_unsafe_config")?.unwrap_or(false),
        exit_timeout: number("exit_timeout", 5_000)?,
        close_timeout: number("close_timeout", 10_000)?,
        ack: match own.raw_get::<LuaValue>("ack")? {
            LuaValue::String(name) if name.as_bytes() == *b"manual" => Mode::Manual,
            LuaValue::String(name) if name.as_bytes() == *b"required" => Mode::Required,
            _ => Mode::Auto,
        },
        max_unacked: usize::try_from(number("max_unacked", MAX_UNACKED)?).unwrap_or(1),
    })
}
