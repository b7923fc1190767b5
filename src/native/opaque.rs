//! A message's mark packed into the one pointer librdkafka carries for us.
//!
//! The two low bits tell the kind: 0 nothing, 1 a sequence id, 2 a slot, 3 a boxed sequence id
//! (where a pointer is too narrow for it).

use std::os::raw::c_void;

use crate::model::event::Mark;

const SEQUENCE: usize = 1;
const SLOT: usize = 2;
const BOXED: usize = 3;

pub fn pack(mark: Mark) -> *mut c_void {
    match mark {
        Mark::None => std::ptr::null_mut(),
        Mark::Slot(slot) if (slot as usize) <= usize::MAX >> 3 => tagged((slot as usize) << 1, SLOT),
        Mark::Brief(slot) if (slot as usize) <= usize::MAX >> 3 => tagged((slot as usize) << 1 | 1, SLOT),
        Mark::Slot(_) | Mark::Brief(_) => std::ptr::null_mut(),
        Mark::Sequence(id) => match usize::try_from(id) {
            Ok(id) if id <= usize::MAX >> 2 => tagged(id, SEQUENCE),
            _ => (Box::into_raw(Box::new(id)) as usize | BOXED) as *mut c_void,
        },
    }
}

fn tagged(value: usize, tag: usize) -> *mut c_void {
    (value << 2 | tag) as *mut c_void
}

/// Takes the mark back, once for every packed one: by the report, or by the refused call.
///
/// # Safety
/// `opaque` comes from [`pack`] and is not unpacked again.
pub unsafe fn unpack(opaque: *mut c_void) -> Mark {
    let bits = opaque as usize;
    match bits & 3 {
        SEQUENCE => Mark::Sequence((bits >> 2) as i64),
        SLOT if bits >> 2 & 1 == 0 => Mark::Slot((bits >> 3) as u32),
        SLOT => Mark::Brief((bits >> 3) as u32),
        // SAFETY: this tag is only given to a Box<i64>, whose address has its two low bits clear.
        BOXED => Mark::Sequence(*unsafe { Box::from_raw((bits & !3) as *mut i64) }),
        _ => Mark::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_survives_the_pointer() {
        for mark in [
            Mark::None,
            Mark::Sequence(0),
            Mark::Sequence(1 << 53),
            Mark::Sequence(i64::MAX),
            Mark::Slot(0),
            Mark::Slot(u32::MAX),
            Mark::Brief(0),
            Mark::Brief(u32::MAX),
        ] {
            // SAFETY: packed on the same line, unpacked once.
            assert_eq!(unsafe { unpack(pack(mark)) }, mark);
        }
    }
}
