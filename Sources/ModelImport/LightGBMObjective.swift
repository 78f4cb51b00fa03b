import Forest
import ModelBundle

/// What a LightGBM objective means for prediction: how raw scores become outputs, and outputs outcomes.
struct LightGBMObjective {
    /// Its name in the file; `custom` for a model without one.
    let name: String
    let transform: Transform
    let policy: OutcomePolicy

    /// The objective of a model without one: the caller's own, whose outputs are the raw scores.
    static let custom = LightGBMObjective(name: "custom", transform: Transform(.identity), policy: .approveAll)

    /// Reads a name and its parameters, `binary sigmoid:1`.
    ///
    /// - Throws: `objectiveUnsupported` by its name, or that the parameters are not as they must be.
    static func read(_ text: ArraySlice<UInt8>, line: Int, classCount: Int) throws(ImportError) -> LightGBMObjective {
        let words = LightGBMNumbers.tokens(text)
        guard let name = words.first else { throw .lightGBM(.headerInvalid(.objective, line: line)) }
        let parameters = Parameters(words.dropFirst())
        let objective = LightGBMObjective(
            String(decoding: name.prefix(ImportLimits.quotedByteCountMax), as: UTF8.self), parameters)
        guard let objective else { throw .objectiveUnsupported(Quoted.name(String(decoding: name, as: UTF8.self))) }
        guard objective.transform.scale > 0, objective.transform.scale.isFinite,
            !objective.hasClassCount || parameters.classCount == classCount
        else { throw .lightGBM(.objectiveInvalid(line: line)) }
        return objective
    }

    private var hasClassCount: Bool { name == "multiclass" || name == "multiclassova" }

    /// nil for an objective that is not known.
    private init?(_ name: String, _ parameters: Parameters) {
        let root: Transform.Kind = parameters.hasSquareRoot ? .signedSquare : .identity
        switch name {
        case "regression", "regression_l1", "quantile", "mape": self.init(name, root)
        // LightGBM ignores the square root here.
        case "huber", "fair": self.init(name, .identity)
        case "poisson", "gamma", "tweedie": self.init(name, .exponential)
        case "binary": self.init(name, .logistic, scale: parameters.sigmoid, .probability)
        case "multiclass": self.init(name, .softmax)
        case "multiclassova": self.init(name, .logistic, scale: parameters.sigmoid)
        case "cross_entropy", "xentropy": self.init(name, .logistic, .probability)
        case "cross_entropy_lambda", "xentlambda": self.init(name, .softplus)
        case "lambdarank", "rank_xendcg", "custom": self.init(name, .identity)
        default: return nil
        }
    }

    private init(_ name: String, _ kind: Transform.Kind, scale: Double = 1, _ policy: OutcomePolicy = .approveAll) {
        self.init(name: name, transform: Transform(kind, scale: scale), policy: policy)
    }

    private init(name: String, transform: Transform, policy: OutcomePolicy) {
        self.name = name
        self.transform = transform
        self.policy = policy
    }

    /// What may stand after the name.
    private struct Parameters {
        /// 0, which is refused, where it should be and is not.
        var sigmoid = 0.0
        var classCount: Int?
        var hasSquareRoot = false

        init(_ words: ArraySlice<ArraySlice<UInt8>>) {
            for word in words {
                if word.elementsEqual("sqrt".utf8) { hasSquareRoot = true }
                let parts = word.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
                guard parts.count == 2 else { continue }
                if parts[0].elementsEqual("sigmoid".utf8) { sigmoid = LightGBMNumbers.parameter(parts[1]) ?? 0 }
                if parts[0].elementsEqual("num_class".utf8) { classCount = LightGBMNumbers.integer(parts[1]) }
            }
        }
    }
}
