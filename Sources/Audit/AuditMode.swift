/// What happens to a decision whose record the trail does not take.
public enum AuditMode: String, Sendable, CaseIterable {
    /// It is not made: the request is refused.
    case required
    /// It is made and counted, and has no record.
    case drop
    /// There is no trail; no decision has a record.
    case off
}
