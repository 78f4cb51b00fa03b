import Glibc
import Platform
import Synchronization
import Testing

@testable import Registry

@Suite struct SnapshotPublisherTests {
    func snapshot(_ generation: UInt64) -> RegistrySnapshot {
        RegistrySnapshot(entries: [], aliases: [:], generation: generation)
    }

    @Test func readersFindWhatWasPublishedLast() {
        let publisher = SnapshotPublisher(readerCount: 1)
        let reader = publisher.reader(0)
        #expect(reader.enter().takeUnretainedValue().generation == 0)
        reader.leave()
        for generation: UInt64 in 1...3 {
            publisher.publish(snapshot(generation))
            #expect(publisher.current.generation == generation)
            #expect(reader.enter().takeUnretainedValue().generation == generation)
            reader.leave()
        }
    }

    @Test func anOldSnapshotIsFreedWhenNobodyReadsIt() {
        let publisher = SnapshotPublisher(readerCount: 2)
        weak var old: RegistrySnapshot?
        do {
            let first = snapshot(1)
            old = first
            publisher.publish(first)
        }
        #expect(old != nil)
        publisher.publish(snapshot(2))
        #expect(old == nil)
        #expect(publisher.reclaim() == 0)
    }

    @Test func anOldSnapshotLivesAsLongAsAReaderIsInside() {
        let publisher = SnapshotPublisher(readerCount: 2, retirementWaitNanoseconds: 0)
        let reader = publisher.reader(1)
        weak var old: RegistrySnapshot?
        do {
            let first = snapshot(1)
            old = first
            publisher.publish(first)
        }
        let seen = reader.enter()
        // Does not wait, as if its limit had passed, and leaves the snapshot to a later call.
        publisher.publish(snapshot(2))
        #expect(old != nil && publisher.reclaim() == 1)
        #expect(seen._withUnsafeGuaranteedRef { $0.generation } == 1)
        reader.leave()
        // Inside again, but with the new snapshot: the old one is free to go.
        #expect(reader.enter().takeUnretainedValue().generation == 2)
        #expect(publisher.reclaim() == 0 && old == nil)
        reader.leave()
    }

    /// Readers look at snapshots while they are replaced as fast as it goes. A snapshot that was freed too early would show a wrong generation
    /// (its table is checked against it), crash, or be reported by ThreadSanitizer.
    ///
    /// With one publisher ThreadSanitizer must have nothing to say. With two it takes their `Mutex` for a race, as it does in any program:
    /// the lock's own atomics are in a library that it does not see into.
    @Test(arguments: [1, 2]) func readersRacingWithPublishersNeverSeeAFreedSnapshot(publisherCount: Int) {
        let readerCount = 3, publicationCount: UInt64 = 500
        let publisher = SnapshotPublisher(readerCount: readerCount)
        let start = StartBarrier(readerCount + publisherCount)
        let publishersLeft = Atomic(publisherCount)
        let next = Atomic<UInt64>(1)
        let failures = Collected<String>()
        let entered = Atomic(0)

        let readers = (0..<readerCount).map { index in
            WorkerThread(name: "reader") {
                let reader = publisher.reader(index)
                start.arriveAndWait()
                repeat {
                    let snapshot = reader.enter()
                    snapshot._withUnsafeGuaranteedRef { snapshot in
                        let problem = snapshot.problems.first?.version ?? 0
                        if UInt64(problem) != snapshot.generation { failures.append("\(problem) in \(snapshot.generation)") }
                        if snapshot.find("cards") != .unknownBundle { failures.append("found") }
                    }
                    reader.leave()
                    entered.add(1, ordering: .relaxed)
                } while publishersLeft.load(ordering: .acquiring) > 0
            }
        }
        let publishers = (0..<publisherCount).map { _ in
            WorkerThread(name: "publisher") {
                start.arriveAndWait()
                while true {
                    let generation = next.add(1, ordering: .relaxed).oldValue
                    if generation > publicationCount { break }
                    let problem = RegistryProblem(version: UInt32(generation), reason: .notADirectory(path: "p"))
                    publisher.publish(RegistrySnapshot(entries: [], aliases: [:], problems: [problem], generation: generation))
                }
                publishersLeft.subtract(1, ordering: .releasing)
            }
        }
        for thread in publishers + readers { thread.join() }
        #expect(failures.all.isEmpty)
        #expect(publisher.reclaim() == 0)
        print(
            "publisher race: \(publicationCount) publications, \(entered.load(ordering: .relaxed)) entries by \(readerCount) readers"
        )
    }
}
