import Testing

@testable import ModelImport

@Suite struct ParityTests {
    static let fixtures = [
        "binary_logistic", "binary_base_score", "binary_logitraw", "binary_hinge", "reg_logistic", "reg_squarederror",
        "reg_absoluteerror", "reg_squaredlogerror", "reg_pseudohubererror", "reg_quantileerror", "reg_quantiles", "count_poisson",
        "reg_gamma", "reg_tweedie", "survival_cox", "survival_aft", "multi_softprob", "multi_softmax", "forest", "dart",
        "lossguide",
        "pruned", "single_leaf", "rank_pairwise", "rank_ndcg", "rank_map", "two_targets", "early_stopped", "named",
    ]

    /// Models made by XGBoost 3.2.0 for every objective; see Fixtures/make_fixtures.py.
    @Test(arguments: fixtures, ["json", "ubj"])
    func fixtureScoresEqualXGBoostBitForBit(name: String, suffix: String) throws {
        try expectEqual(name, suffix, rows: name == "named" ? "X_named.npy" : "X.npy", rowCount: 60)
    }

    static let furtherFixtures = [
        "categories_one_hot", "categories_partition", "categories_mixed", "categories_dart", "categories_pandas", "vector_leaf",
        "vector_leaf_softprob", "vector_leaf_quantiles", "vector_leaf_21", "linear_logistic", "linear_poisson", "linear_softprob",
    ]

    /// Categories, vector leaves and linear models, made by XGBoost 3.2.0 and 2.1.4; see Fixtures/make_xgboost_fixtures.py.
    @Test(arguments: furtherFixtures, ["json", "ubj"])
    func furtherFixtureScoresEqualXGBoostBitForBit(name: String, suffix: String) throws {
        try expectEqual(name, suffix, rows: name.hasPrefix("linear") ? "X_linear.npy" : "X_categories.npy", rowCount: 40)
    }

    private func expectEqual(_ name: String, _ suffix: String, rows: String, rowCount: Int) throws {
        let parity = try Parity(
            model: ModelFile.load(Fixtures.path("\(name).\(suffix)")), rows: Fixtures.wide(rows),
            margin: Fixtures.wide(name + ".margin.npy"), prediction: Fixtures.wide(name + ".pred.npy"),
            leaves: Fixtures.leaves(name + ".leaf.npy"))
        #expect(parity.rows == rowCount)
        #expect(parity.raw == rowCount)
        #expect(parity.outputs == rowCount)
        #expect(parity.referenceMismatches == 0)
        if let leaves = parity.leaves { #expect(leaves == rowCount) }
    }

    static let lightGBMFixtures = [
        "regression", "regression_sqrt", "regression_l1", "l1_sqrt", "huber", "fair", "poisson", "quantile", "quantile_sqrt",
        "mape", "gamma", "tweedie", "binary", "binary_sigmoid_2", "binary_sigmoid_odd", "multiclass", "multiclassova",
        "cross_entropy", "cross_entropy_lambda", "lambdarank", "rank_xendcg", "rf_binary", "rf_regression", "rf_multiclass",
        "dart", "zero_as_missing", "no_missing", "one_hot", "constant", "custom", "early_stopped", "early_stopped_all",
    ]

    /// Models made by LightGBM 4.7.0, over rows with missing, tiny, infinite and out-of-range values; see
    /// Fixtures/make_lightgbm_fixtures.py.
    @Test(arguments: lightGBMFixtures)
    func fixtureScoresEqualLightGBMBitForBit(name: String) throws {
        let parity = try Parity(
            model: ModelFile.load(Fixtures.path("lgb_\(name).txt")), rows: Fixtures.wide("lgb_X.npy"),
            margin: Fixtures.wide("lgb_\(name).margin.npy"), prediction: Fixtures.wide("lgb_\(name).pred.npy"),
            leaves: Fixtures.leaves("lgb_\(name).leaf.npy"))
        #expect(parity.rows == 40)
        #expect(parity.raw == parity.rows)
        #expect(parity.leaves == parity.rows)
        #expect(parity.referenceMismatches == 0)
        // Outputs go through the C library's exp, whose last bit is not promised from one version to the next.
        #expect(parity.outputUlps <= 1)
        if parity.outputs < parity.rows { print("lgb_\(name): \(parity.rows - parity.outputs) outputs differ in the last place") }
    }
}
