import Decision
import ModelBundle
import Wire

/// Derives features from recorded transactions, as the server did.
final class Derivation {
    private let arena = MessageArena(byteCount: 64 << 10)

    /// - Parameter row: room for the schema's features in the bundle's precision.
    /// - Returns: nil when done, else why the transaction gives no features.
    func derive(_ record: borrowing AuditRecordView, for bundle: Bundle, into row: UnsafeMutableRawPointer) -> String? {
        defer { arena.reset() }
        do throws(TransactionError) {
            if unsafe !record.bitcoin.isEmpty {
                guard let view = unsafe BitcoinTransactionView.decode(record.bitcoin, arena: arena) else {
                    return Self.unreadable
                }
                // Safety: the caller's room is bound to the type that the bundle's precision says.
                if bundle.precision == .float32 {
                    try unsafe FeatureDeriver.derive(view, schema: bundle.schema, into: row.assumingMemoryBound(to: Float.self))
                } else {
                    try unsafe FeatureDeriver.derive(view, schema: bundle.schema, into: row.assumingMemoryBound(to: Double.self))
                }
            } else {
                guard let view = unsafe CardTransactionView.decode(record.card, arena: arena) else { return Self.unreadable }
                if bundle.precision == .float32 {
                    try unsafe FeatureDeriver.derive(view, schema: bundle.schema, into: row.assumingMemoryBound(to: Float.self))
                } else {
                    try unsafe FeatureDeriver.derive(view, schema: bundle.schema, into: row.assumingMemoryBound(to: Double.self))
                }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static let unreadable = "the recorded transaction can't be read"
}
