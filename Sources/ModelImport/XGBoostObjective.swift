import Forest
import ModelBundle

/// What an XGBoost objective means for prediction: how base scores become margins, margins predictions, and predictions outcomes.
struct XGBoostObjective {
    let link: BaseLink
    let transform: Transform
    let policy: OutcomePolicy

    /// nil for an objective that is not known. `reg:expectileerror`, new in XGBoost 3.3, is not: its predictions add up softened
    /// differences.
    init?(name: String) {
        switch name {
        case "binary:logistic", "reg:logistic": self.init(.logit, .logistic, .probability)
        case "binary:logitraw": self.init(.identity, .identity, .logOdds)
        case "binary:hinge": self.init(.identity, .step, .probability)
        case "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:absoluteerror", "reg:quantileerror",
            "reg:pseudohubererror":
            self.init(.identity, .identity, .approveAll)
        case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
            self.init(.log, .exponential, .approveAll)
        case "rank:pairwise", "rank:ndcg", "rank:map": self.init(.identity, .identity, .approveAll)
        case "multi:softprob": self.init(.identity, .softmax, .approveAll)
        case "multi:softmax": self.init(.identity, .argmax, .approveAll)
        default: return nil
        }
    }

    private init(_ link: BaseLink, _ kind: Transform.Kind, _ policy: OutcomePolicy) {
        self.link = link
        self.transform = Transform(kind)
        self.policy = policy
    }
}
