/// One of the bundles that a run scores with.
public struct LoadBundle: Sendable, Equatable {
    public var name: String
    /// Its share of the requests is this over the sum of all.
    public var weight = 1.0
    /// Rows from an .npy or .csv file or a journal; nil: the bundle's golden rows, or random ones where it has none.
    public var rowsPath: String?
    /// Typed transactions, one JSON object a line; nil: rows.
    public var transactionsPath: String?

    public init(name: String, weight: Double = 1) {
        self.name = name
        self.weight = weight
    }
}

/// A number of rows in a request, and how often it occurs.
public struct BatchShare: Sendable, Equatable {
    public var rowCount: Int
    public var weight: Double

    public init(rowCount: Int, weight: Double = 1) {
        self.rowCount = rowCount
        self.weight = weight
    }
}

/// One kind of request: a bundle and a number of rows.
struct LoadPart: Sendable, Equatable {
    /// Index among the run's bundles.
    var bundle: Int
    var name: String
    var rowsPerRequest: Int
    var weight: Double
}

extension LoadConfiguration {
    /// Every kind of request that the run sends.
    var parts: [LoadPart] {
        bundles.indices.flatMap { bundle in
            batches.map { batch in
                LoadPart(
                    bundle: bundle, name: bundles[bundle].name, rowsPerRequest: batch.rowCount,
                    weight: bundles[bundle].weight * batch.weight)
            }
        }
    }

    /// `NAME=WEIGHT,NAME=WEIGHT`.
    public static func bundles(_ text: String) throws(LoadError) -> [LoadBundle] {
        var bundles: [LoadBundle] = []
        for (name, weight) in try shares(text, option: "--mix", example: "cards=0.7,bitcoin=0.3") {
            guard let weight else { throw .usage("--mix \(text): each bundle has a share, as in cards=0.7,bitcoin=0.3") }
            bundles.append(LoadBundle(name: name, weight: weight))
        }
        return bundles
    }

    /// `ROWS`, or `ROWS=WEIGHT,ROWS=WEIGHT`.
    public static func batches(_ text: String) throws(LoadError) -> [BatchShare] {
        var batches: [BatchShare] = []
        for (count, weight) in try shares(text, option: "--batch", example: "100 or 1=0.9,100=0.1") {
            guard let rows = Int(count) else { throw .usage("--batch \(text): \(count) is no number of rows") }
            batches.append(BatchShare(rowCount: rows, weight: weight ?? 1))
        }
        return batches
    }

    private static func shares(
        _ text: String, option: String, example: String
    ) throws(LoadError) -> [(name: String, weight: Double?)] {
        var shares: [(name: String, weight: Double?)] = []
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = entry.split(separator: "=", omittingEmptySubsequences: false)
            let weight = sides.count == 2 ? Double(sides[1]) : nil
            guard (1...2).contains(sides.count), !sides[0].isEmpty, sides.count == 1 || (weight ?? -1) > 0,
                weight?.isFinite ?? true
            else { throw .usage("\(option) \(text): not of the form \(example)") }
            guard !shares.contains(where: { $0.name == sides[0] }) else {
                throw .usage("\(option) \(text): \(sides[0]) occurs twice")
            }
            shares.append((String(sides[0]), weight))
        }
        return shares
    }
}
