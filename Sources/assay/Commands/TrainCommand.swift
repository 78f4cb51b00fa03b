import ArgumentParser

/// `assay train …`: learns models from rows, without any other program.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Learn a model from rows and make a bundle of it.",
        subcommands: [TrainIsolationForest.self])
}
