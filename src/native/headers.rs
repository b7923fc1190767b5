//! Message headers, names and values as bytes: a name need not be UTF-8.

use std::ffi::CStr;
use std::os::raw::c_void;

use rdkafka::bindings as rd;

use crate::model::event::Header;

/// Headers on their way out.
pub struct Headers(*mut rd::rd_kafka_headers_t);

impl Headers {
    pub fn new(count: usize) -> Headers {
        // SAFETY: takes no pointers; aborts only when memory is out, as all of librdkafka does.
        Headers(unsafe { rd::rd_kafka_headers_new(count) })
    }

    pub fn add(&mut self, name: &[u8], value: Option<&[u8]>) {
        let (data, size) = value.map_or((std::ptr::null(), 0), |value| (value.as_ptr(), value.len()));
        // SAFETY: the list is ours; name and value are readable for the lengths given and are
        // copied. A null pointer is a null value.
        unsafe { rd::rd_kafka_header_add(self.0, name.as_ptr().cast(), name.len() as isize, data.cast(), size as isize) };
    }

    /// Gives the list to a call that takes it over.
    pub fn into_raw(self) -> *mut rd::rd_kafka_headers_t {
        let list = self.0;
        std::mem::forget(self);
        list
    }

    /// Takes a list back that a call refused.
    ///
    /// # Safety
    /// `list` comes from [`Headers::into_raw`] and nobody else owns it.
    pub unsafe fn from_raw(list: *mut rd::rd_kafka_headers_t) -> Headers {
        Headers(list)
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        // SAFETY: the list is ours and destroyed once.
        unsafe { rd::rd_kafka_headers_destroy(self.0) };
    }
}

/// The headers of a message, in order, repeats kept.
///
/// # Safety
/// `message` is a live message of librdkafka.
pub unsafe fn copy_of(message: *const rd::rd_kafka_message_t) -> Vec<Header> {
    let mut list = std::ptr::null_mut();
    let mut found = Vec::new();
    // SAFETY: the list belongs to the message; name and value of each index live as long as it,
    // a name is terminated, a value holds `size` bytes or is null.
    unsafe {
        if rd::rd_kafka_message_headers(message, &mut list) as i32 != 0 {
            return found;
        }
        let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null::<c_void>(), 0usize);
        let mut index = 0;
        while rd::rd_kafka_header_get_all(list, index, &mut name, &mut value, &mut size) as i32 == 0 {
            let bytes = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size).to_vec());
            found.push((CStr::from_ptr(name).to_bytes().to_vec(), bytes));
            index += 1;
        }
    }
    found
}
