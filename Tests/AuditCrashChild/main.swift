// A server in miniature for the crash tests: workers put records into an audit trail and, once committed, write their numbers to standard
// output, as a reply would leave. The parent kills it at any moment.
//
//     audit-crash-child JOURNAL RING WORKERS
import Audit
import Glibc
import Logging
import Platform
import Wire

let arguments = CommandLine.arguments
guard arguments.count == 4, let workerCount = Int(arguments[3]) else { exit(2) }
var configuration = AuditConfiguration(journalDirectory: arguments[1], workerCount: workerCount)
configuration.ringDirectory = arguments[2]
configuration.ringByteCount = 256 << 10
configuration.segmentByteCount = 256 << 10
configuration.blockByteCount = 16 << 10
configuration.syncIntervalMilliseconds = 5

do {
    let trail = try AuditTrail.open(configuration, logger: Logger(label: "child") { _ in SwiftLogNoOpLogHandler() })
    let threads = (0..<workerCount).map { worker in
        nonisolated(unsafe) let producer = trail.producer(worker: worker)
        return WorkerThread(name: "worker") {
            while true {
                let count = worker + 1
                guard let first = producer.reserve(count: count, byteCountMax: 512) else {
                    usleep(200)
                    continue
                }
                var acknowledgement: [UInt64] = []
                for sequence in first..<first + UInt64(count) {
                    var record = AuditRecord()
                    record.sequence = sequence
                    record.bundle = "cards"
                    record.transactionID = "tx-\(sequence)"
                    record.features32 = [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: 120)
                    let bytes = record.encoded()
                    producer.append(sequence: sequence) { buffer in
                        buffer.copyBytes(from: bytes)
                        return bytes.count
                    }
                    acknowledgement.append(sequence)
                }
                producer.commit()
                // At most 8 x 8 bytes: a pipe takes them whole or not at all.
                _ = acknowledgement.withUnsafeBytes { write(1, $0.baseAddress!, $0.count) }
            }
        }
    }
    for thread in threads { thread.join() }
} catch {
    print(error)
    exit(1)
}
