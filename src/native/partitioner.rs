//! librdkafka's own way from a key to a partition.

use rdkafka::bindings as rd;

#[derive(Clone, Copy, Debug)]
pub enum Hash {
    Murmur2,
    Crc32,
    Fnv1a,
}

/// The partition of `key` among `count` (at least 1). An empty key is one like any other.
pub fn partition_of(hash: Hash, key: &[u8], count: i32) -> i32 {
    let choose = match hash {
        Hash::Murmur2 => rd::rd_kafka_msg_partitioner_murmur2,
        Hash::Crc32 => rd::rd_kafka_msg_partitioner_consistent,
        Hash::Fnv1a => rd::rd_kafka_msg_partitioner_fnv1a,
    };
    let null: *mut std::os::raw::c_void = std::ptr::null_mut();
    // SAFETY: these three look at nothing but the key's bytes and the count.
    unsafe { choose(null.cast(), key.as_ptr().cast(), key.len(), count.max(1), null, null) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `Utils.toPositive(Utils.murmur2(key)) % 12` of Kafka's Java client gives.
    #[test]
    fn murmur2_is_the_java_clients() {
        let expected: [(&[u8], i32); 6] =
            [(b"", 9), (b"abc", 3), (b"21", 0), (b"foobar", 6), (b"a-little-bit-long-string", 8), (b"\xff\xff\xff\xff\xff", 6)];
        for (key, partition) in expected {
            assert_eq!(partition_of(Hash::Murmur2, key, 12), partition, "{key:?}");
        }
    }
}
