import Glibc
import Platform

@testable import AuditSimulation

// Runs seeds of the journal's simulation and prints the figure; bench/faults/simulate builds and starts it.

var seedCount: UInt64 = 10_000
var first: UInt64 = 1
var isTraced = false
var defect: Defect?
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
    let value = { arguments.popFirst().flatMap { UInt64($0) } }
    switch argument {
    case "--seeds": seedCount = value() ?? seedCount
    case "--from": first = value() ?? first
    case "--seed":
        first = value() ?? first
        seedCount = 1
    case "--trace": isTraced = true
    case "--defect": defect = arguments.popFirst().flatMap { Defect(rawValue: $0) }
    default:
        print("usage: simulate [--seeds N] [--from S] | --seed S [--trace] [--defect NAME]")
        print("defects: " + Defect.allCases.map(\.rawValue).joined(separator: " "))
        exit(2)
    }
}

let room = SimulationRoom()
let started = Clock.monotonicNanoseconds()
var seconds: Double { Double(Clock.monotonicNanoseconds() - started) / 1e9 }
var broken: [UInt64] = []
var sum = Simulation.Outcome()
for seed in first..<first + seedCount {
    let simulation = Simulation(seed: seed, room: room, defect: defect, isTraced: isTraced)
    do throws(BrokenPromise) { sum += try simulation.run() } catch {
        broken.append(seed)
        for line in simulation.lines { print(line) }
        print("seed \(seed): \(error)")
        fflush(nil)
    }
    if (seed - first + 1) % 1000 == 0 {
        print("\(seed - first + 1) seeds, \(broken.count) broken promises, \(Int(Double(seed - first + 1) / seconds)) seeds/s")
        fflush(nil)
    }
}
print(
    "\(sum.openings) openings, \(sum.kills) kills, \(sum.powerCuts) power cuts, \(sum.failures) failed disks, "
        + "\(sum.salvages) salvaged segments, \(sum.records) records, \(sum.checkpoints) checkpoints, "
        + "\(sum.retirements) retired segments, \(sum.lookups) look-ups")
print("\(seedCount) seeds, \(broken.count) broken promises, \(Int(seconds.rounded(.up))) s")
room.remove()
exit(broken.isEmpty ? 0 : 1)
