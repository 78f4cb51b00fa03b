import ModelBundle

/// What stands before the trees of a LightGBM model file.
struct LightGBMHead {
    private typealias Field = LightGBMError.HeaderField
    private typealias Entry = (text: ArraySlice<UInt8>, line: Int)

    private var entries: [Field: Entry] = [:]
    /// 2 to 4.
    private(set) var version = 0
    /// How many raw scores there are; as many trees belong to an iteration.
    private(set) var classCount = 0
    private(set) var featureCount = 0
    /// The byte count of each tree.
    private(set) var treeSizes: [Int]?
    private var featureNames: [String] = []

    var averagesOutput: Bool { entries[.averageOutput] != nil }

    /// Takes the lines up to the first tree.
    init(_ text: inout LightGBMText) throws(LightGBMError) {
        guard let first = text.next(), first.value == nil, first.key.elementsEqual("tree".utf8) else {
            throw .lineInvalid(line: 1)
        }
        while let line = text.next() {
            if line.isEmpty { continue }
            if line.keyText == "Tree" || line.key.elementsEqual("end of trees".utf8) {
                text.unread(line)
                break
            }
            try take(line)
        }
        version = try readVersion()
        classCount = try positive(.classCount)
        let treesPerIteration = entries[.treesPerIteration] == nil ? classCount : try positive(.treesPerIteration)
        guard treesPerIteration == classCount else { throw .treesPerIteration(treesPerIteration, classes: classCount) }
        featureCount = try positive(.maximumFeature, from: 0) + 1
        try readFeatureNames()
        try readTreeSizes()
    }

    private mutating func take(_ line: LightGBMText.Line) throws(LightGBMError) {
        guard let field = Field(rawValue: line.keyText) else {
            // A word that is not known may be one that is known, damaged.
            if line.value == nil { throw .lineInvalid(line: line.number) }
            return
        }
        if line.value == nil, field != .averageOutput { throw .headerInvalid(field, line: line.number) }
        guard entries.updateValue((line.value ?? [], line.number), forKey: field) == nil else {
            throw .headerRepeated(field, line: line.number)
        }
    }

    private func readVersion() throws(LightGBMError) -> Int {
        let (text, line) = try entry(.version)
        guard text.first == UInt8(ascii: "v"), let version = LightGBMNumbers.integer(text.dropFirst()), (2...4).contains(version)
        else { throw .versionUnsupported(line: line) }
        return version
    }

    private mutating func readFeatureNames() throws(LightGBMError) {
        let (text, line) = try entry(.featureNames)
        let names = LightGBMNumbers.tokens(text)
        guard names.count == featureCount else {
            throw .headerCountMismatch(.featureNames, declared: featureCount, found: names.count)
        }
        for name in names {
            guard let name = String(validating: name, as: UTF8.self) else { throw .headerInvalid(.featureNames, line: line) }
            featureNames.append(name)
        }
    }

    private mutating func readTreeSizes() throws(LightGBMError) {
        guard let (text, line) = entries[.treeSizes] else { return }
        var sizes: [Int] = []
        for token in LightGBMNumbers.tokens(text) {
            guard let size = LightGBMNumbers.integer(token), size >= 0 else { throw .headerInvalid(.treeSizes, line: line) }
            sizes.append(size)
        }
        treeSizes = sizes
    }

    func objective() throws(ImportError) -> LightGBMObjective {
        guard let (text, line) = entries[.objective] else { return .custom }
        return try LightGBMObjective.read(text, line: line, classCount: classCount)
    }

    /// The model's own names; categorical are the features that a tree splits so, or that were declared so in training: their
    /// values are listed (`1:2:3`) where others have a range (`[0:1]`) or `none`.
    func schema(categorical: Set<Int>) -> FeatureSchema {
        let infos = entries[.featureInfos].map { LightGBMNumbers.tokens($0.text) } ?? []
        return FeatureSchema(
            features: featureNames.enumerated().map { index, name in
                let isCategorical = categorical.contains(index) || (index < infos.count && Self.listsCategories(infos[index]))
                return FeatureSchema.Feature(name: name, type: isCategorical ? .categorical : .float)
            })
    }

    private static func listsCategories(_ info: ArraySlice<UInt8>) -> Bool {
        info.first != UInt8(ascii: "[") && info.contains(UInt8(ascii: ":"))
    }

    private func entry(_ field: Field) throws(LightGBMError) -> Entry {
        guard let entry = entries[field] else { throw .headerMissing(field) }
        return entry
    }

    private func positive(_ field: Field, from minimum: Int = 1) throws(LightGBMError) -> Int {
        let (text, line) = try entry(field)
        guard let value = LightGBMNumbers.integer(text), (minimum...Int(Int32.max)).contains(value) else {
            throw .headerInvalid(field, line: line)
        }
        return value
    }
}
