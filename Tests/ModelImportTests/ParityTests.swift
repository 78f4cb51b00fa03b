import ModelBundle
import Platform
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
        let parity = try Parity(
            model: ModelFile.load(Fixtures.path("\(name).\(suffix)")),
            rows: Fixtures.matrix(name == "named" ? "X_named.npy" : "X.npy"),
            margin: Fixtures.matrix(name + ".margin.npy"), prediction: Fixtures.matrix(name + ".pred.npy"))
        #expect(parity.rows == 60)
        #expect(parity.raw == parity.rows)
        #expect(parity.outputs == parity.rows)
    }

    static let sharedModels = [
        ("xgb_cards_binary", ["model.json", "model.ubj"]), ("xgb_multi5_softprob", ["model.json", "model.ubj"]),
        ("treelite_mushroom", ["model_resaved_by_xgb2.1.json", "model_resaved_by_xgb2.1.ubj"]),
        ("xgb_amount_squarederror", ["model.json", "model.ubj"]), ("xgb_amount_poisson", ["model.json", "model.ubj"]),
        ("xgb_cards_rf", ["model.json", "model.ubj"]), ("xgb_cards_dart", ["model.json", "model.ubj"]),
        ("xgb_uci_lossguide_nanaware", ["model.json", "model.ubj"]),
        ("mlserver_mushroom_xgboost", ["model.json", "model_resaved_by_xgb3.2.json", "model_resaved_by_xgb3.2.ubj"]),
        ("mlserver_mushroom_xgboost_v2", ["model.json", "model_resaved_by_xgb3.2.json", "model_resaved_by_xgb3.2.ubj"]),
    ]

    @Test(
        .enabled(if: Fixtures.sharedModels != nil, "no ../shared/data/models here: its models are not compared"),
        arguments: sharedModels)
    func everyRowOfTheSharedModelsScoresAsXGBoostDoes(name: String, files: [String]) throws {
        let directory = try #require(Fixtures.sharedModels) + "/" + name + "/"
        for file in files {
            let parity = try Parity(
                model: ModelFile.load(directory + file), rows: NPY.read(directory + "X.npy", as: Float.self),
                margin: NPY.read(directory + "margin.npy", as: Float.self),
                prediction: NPY.read(directory + "pred.npy", as: Float.self))
            print(
                "parity \(name)/\(file): \(parity.rows) rows, margins bit-equal \(parity.raw), predictions bit-equal \(parity.outputs)"
            )
            #expect(parity.raw == parity.rows)
            #expect(parity.outputs == parity.rows)
        }
    }

    @Test(.enabled(if: Fixtures.sharedModels != nil, "no ../shared/data/models here"))
    func sharedModelsWithCategoriesAreRefusedByName() throws {
        let directory = try #require(Fixtures.sharedModels)
        for name in [
            "xgb_uci_categorical/model.json", "xgb_uci_categorical/model.ubj", "treelite_xgb_toy_categorical/model.json",
        ] {
            let error = #expect(throws: ImportError.self) { try ModelFile.load(directory + "/" + name) }
            let isByName = if case .categoricalSplit = error { true } else { error == .categoryEncoding }
            #expect(isByName, "\(name): \(String(describing: error))")
        }
    }
}
