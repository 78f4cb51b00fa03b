import Testing

@testable import Audit

/// The journal on a disk that does what disks do at the worst moment. `bench/faults/simulate` runs many more seeds.
@Suite struct SimulationTests {
    /// Seeds that once broke a promise.
    private static let regressions: [UInt64] = [51, 112, 154, 430, 855, 963, 2081, 3117]

    @Test(arguments: 0..<8 as Range<UInt64>)
    func promisesHoldOnASimulatedDisk(part: UInt64) {
        let room = SimulationRoom()
        for seed in part * 25 + 1...part * 25 + 25 { expectKept(seed, room) }
    }

    @Test func seedsThatOnceBrokeAPromiseKeepIt() {
        let room = SimulationRoom()
        for seed in Self.regressions { expectKept(seed, room) }
    }

    private func expectKept(_ seed: UInt64, _ room: SimulationRoom) {
        do throws(BrokenPromise) { _ = try Simulation(seed: seed, room: room).run() } catch {
            Issue.record("seed \(seed): \(error) (bench/faults/simulate --seed \(seed) --trace)")
        }
    }

    @Test func aSeedBringsTheSameLifeBack() throws {
        let room = SimulationRoom()
        let lives = try (0..<2).map { _ in
            let simulation = Simulation(seed: 7, room: room, isTraced: true)
            _ = try simulation.run()
            return simulation.lines
        }
        #expect(lives[0] == lives[1] && lives[0].count > 100)
    }

    /// A simulation that finds nothing proves something only if it finds what is there.
    @Test(arguments: Defect.allCases)
    func deliberateDefectIsFound(_ defect: Defect) {
        let room = SimulationRoom()
        for seed in 1...400 as ClosedRange<UInt64> {
            do throws(BrokenPromise) { _ = try Simulation(seed: seed, room: room, defect: defect).run() } catch {
                print("defect \(defect): found by seed \(seed): \(error)")
                return
            }
        }
        Issue.record("\(defect) is not found in 400 seeds")
    }
}
