import ModelBundle
import Platform

/// A model file of one of the formats that are read.
public enum ModelFile {
    /// Reads a model file of at most 512 MiB; its format is found from its first bytes, whatever its name.
    ///
    /// - Throws: What is wrong with it, and where.
    public static func load(_ path: String) throws(ImportError) -> ImportedModel {
        let bytes: [UInt8]
        do { bytes = try File.read(path, byteCountMax: ImportLimits.modelFileByteCountMax) } catch { throw .system(error) }
        return try load(bytes: bytes)
    }

    /// Reads a model file's bytes.
    public static func load(bytes: [UInt8]) throws(ImportError) -> ImportedModel {
        let format: Format = try .sniff(bytes)
        var model: ImportedModel
        switch format {
        case .xgboostJSON:
            let root: JSON
            do {
                root = try JSON.parse(bytes, depthMax: ImportLimits.depthMax, nonFiniteLiterals: true)
            } catch { throw .json(error) }
            if root["learner"] == nil, root["tree_info"] != nil { throw .formatUnsupported(.lightGBMJSON) }
            model = try XGBoostModel.read(root, format: format.rawValue)
        case .xgboostUBJSON:
            let root: JSON
            do { root = try UBJSONParser.parse(bytes) } catch { throw .ubjson(error) }
            model = try XGBoostModel.read(root, format: format.rawValue)
        case .lightGBM: model = try LightGBMModel.read(bytes)
        case .onnx: model = try ONNXModel.read(bytes, format: format.rawValue)
        }
        model.provenance.append(("source.sha256", SHA256Hasher.hash(bytes).hex))
        return model
    }

    private enum Format: String {
        case xgboostJSON = "XGBoost JSON"
        case xgboostUBJSON = "XGBoost UBJSON"
        case lightGBM = "LightGBM text"
        case onnx = "ONNX"

        static func sniff(_ bytes: [UInt8]) throws(ImportError) -> Format {
            for prefix in ["tree\n", "tree\r\n"] where bytes.starts(with: prefix.utf8) { return .lightGBM }
            for (prefix, format) in foreignPrefixes where bytes.starts(with: prefix.utf8) { throw .formatUnsupported(format) }
            // Protobuf: field 1, the IR version, a small number.
            if bytes.count > 2, bytes[0] == 0x08, bytes[1] < 0x20 { return .onnx }
            if isLegacyBinary(bytes) { throw .formatUnsupported(.xgboostBinary) }
            let isSpace = { (byte: UInt8) in [0x20, 0x0a, 0x0d, 0x09].contains(byte) }
            guard let start = bytes.firstIndex(where: { !isSpace($0) }), bytes[start] == UInt8(ascii: "{"),
                let next = bytes[(start + 1)...].first(where: { !isSpace($0) })
            else { throw .formatUnknown }
            switch next {
            case UInt8(ascii: "\""), UInt8(ascii: "}"): return .xgboostJSON
            case UInt8(ascii: "L"), UInt8(ascii: "l"), UInt8(ascii: "I"), UInt8(ascii: "i"), UInt8(ascii: "U"), UInt8(ascii: "N"),
                UInt8(ascii: "$"), UInt8(ascii: "#"):
                return .xgboostUBJSON
            default: throw .formatUnknown
            }
        }

        /// Before it had a mark, XGBoost's binary format began with 136 bytes of parameters, a byte count and an objective's name.
        private static func isLegacyBinary(_ bytes: [UInt8]) -> Bool {
            let start = 144
            guard bytes.count > start, (4...64).contains(bytes[136]), bytes[137..<start].allSatisfy({ $0 == 0 }) else {
                return false
            }
            return ["binary:", "reg:", "multi:", "rank:", "count:", "survival:"].contains {
                bytes[start...].starts(with: $0.utf8)
            }
        }

        private static let foreignPrefixes: [(String, ImportError.ForeignFormat)] = [
            ("binf", .xgboostBinary), ("bs64", .xgboostBinary),
            ("ASSAYBDL", .bundle),
        ]
    }
}
