import CLinux

/// CRC-32C (Castagnoli) of `bytes`, continued from `seed` (0 at the start). Check value of "123456789": 0xe3069283.
public func crc32c(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    // Safety: reads exactly `count` bytes of the caller's buffer.
    unsafe assay_crc32c(seed, bytes.baseAddress, bytes.count)
}
