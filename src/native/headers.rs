//! Message headers, names and values as bytes: a name need not be UTF-8.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::os::raw::c_void;

use rdkafka::bindings as rd;

use crate::model::event::Header;

/// What librdkafka counts for a message besides value, key and headers.
pub const OVERHEAD: usize = 36;

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

    /// Bytes they take in a message: names and values, each with its length in front.
    pub fn wire_size(&self) -> usize {
        let size = |bytes: &[u8]| {
            let length_bits = usize::BITS - (bytes.len() << 1).leading_zeros();
            bytes.len() + length_bits.div_ceil(7).max(1) as usize
        };
        let list = HeaderList(self.0, PhantomData);
        (0..list.len())
            .filter_map(|index| list.get(index))
            .map(|(name, value)| size(name) + size(value.unwrap_or_default()))
            .sum()
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

/// The headers of a message, in order, repeats kept, as long as the message lives.
pub struct HeaderList<'a>(*const rd::rd_kafka_headers_t, PhantomData<&'a ()>);

impl<'a> HeaderList<'a> {
    /// # Safety
    /// `message` is a live message of librdkafka for as long as `'a`.
    pub unsafe fn of(message: *const rd::rd_kafka_message_t) -> Option<HeaderList<'a>> {
        let mut list = std::ptr::null_mut();
        // SAFETY: by the caller's promise; the list stays the message's.
        let found = unsafe { rd::rd_kafka_message_headers(message, &mut list) as i32 == 0 };
        found.then_some(HeaderList(list, PhantomData))
    }

    pub fn len(&self) -> usize {
        // SAFETY: the list lives.
        unsafe { rd::rd_kafka_header_cnt(self.0) }
    }

    /// Name and value at `index`, from 0. A null value is not an empty one.
    pub fn get(&self, index: usize) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null::<c_void>(), 0usize);
        // SAFETY: name and value live as long as the list; a name is terminated, a value holds
        // `size` bytes or is null.
        unsafe {
            if rd::rd_kafka_header_get_all(self.0, index, &mut name, &mut value, &mut size) as i32 != 0 {
                return None;
            }
            let bytes = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size));
            Some((CStr::from_ptr(name).to_bytes(), bytes))
        }
    }
}

/// A copy of a message's headers.
///
/// # Safety
/// `message` is a live message of librdkafka.
pub unsafe fn copy_of(message: *const rd::rd_kafka_message_t) -> Vec<Header> {
    // SAFETY: by the caller's promise.
    let Some(list) = (unsafe { HeaderList::of(message) }) else { return Vec::new() };
    let owned = |(name, value): (&[u8], Option<&[u8]>)| (name.to_vec(), value.map(<[u8]>::to_vec));
    (0..list.len()).filter_map(|index| list.get(index)).map(owned).collect()
}
