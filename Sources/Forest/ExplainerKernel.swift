import CForestKernels

/// The instructions that contributions are computed with. The results of two kernels differ by rounding, in the last digits of Double.
public enum ExplainerKernel: String, Sendable, CaseIterable {
    /// Every processor; NEON on arm64.
    case plain
    case avx2
    case avx512

    /// Whether this processor has the instructions.
    public var isAvailable: Bool { assay_shap_has(isa) != 0 }

    /// The fastest that is available.
    public static let best: ExplainerKernel = allCases.last { $0.isAvailable } ?? .plain

    /// From how many rows on sixteen at once take less time than one after another, as measured.
    var lanesRowCountMin: Int {
        switch self {
        case .plain: 14
        case .avx2: 8
        case .avx512: 6
        }
    }

    var isa: assay_shap_isa {
        switch self {
        case .plain: ASSAY_SHAP_PLAIN
        case .avx2: ASSAY_SHAP_AVX2
        case .avx512: ASSAY_SHAP_AVX512
        }
    }
}
