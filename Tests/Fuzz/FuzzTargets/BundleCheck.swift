import ModelBundle
import Platform

/// Bundles: whoever damages one can compute its digest, too, and so does the target.
enum BundleCheck {
    static func run(_ bytes: [UInt8]) {
        guard let bundle = try? Bundle.admit(bytes: BundleSeal.sealed(bytes)) else { return }
        let golden = bundle.score(rows: bundle.goldenFeatures)
        if bundle.goldenTolerance.isExact {
            precondition(golden.raw.map(\.bitPattern) == bundle.goldenRaw.map(\.bitPattern))
            precondition(golden.outputs.map(\.bitPattern) == bundle.goldenOutputs.map(\.bitPattern))
        }
        ScoreCheck(bundle).run()
    }
}

/// Makes the length and the digest of a damaged bundle right again.
public enum BundleSeal {
    static let digestByteCount = 32
    static let lengthOffset = 16

    public static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= lengthOffset + 8 + digestByteCount else { return bytes }
        var body = Array(bytes.dropLast(digestByteCount))
        for index in 0..<8 { body[lengthOffset + index] = UInt8(truncatingIfNeeded: bytes.count >> (8 * index)) }
        return body + SHA256Hasher.hash(body).bytes
    }
}
