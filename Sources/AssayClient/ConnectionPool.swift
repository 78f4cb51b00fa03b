/// A fixed number of places for connections, opened one by one as load asks for them.
actor ConnectionPool {
    typealias Opener = @Sendable () async throws(AssayError) -> AssayConnection

    private enum Place {
        case empty
        case opening(Task<Result<AssayConnection, AssayError>, Never>)
        case open(AssayConnection)
    }

    private var places: [Place]
    private let open: Opener
    private var isClosed = false

    init(count: Int, open: @escaping Opener) {
        places = Array(repeating: .empty, count: count)
        self.open = open
    }

    /// The open connection with the fewest calls; a new one while all are busy and a place is free.
    func connection() async throws(AssayError) -> AssayConnection {
        guard !isClosed else { throw .closed }
        var best: AssayConnection?
        var free: Int?
        var opening: Int?
        for index in places.indices {
            switch places[index] {
            case .open(let connection) where connection.isActive:
                if connection.callCount < best?.callCount ?? .max { best = connection }
            case .opening: opening = opening ?? index
            case .empty, .open: free = free ?? index
            }
        }
        guard let best else {
            guard let place = free ?? opening else { throw .closed }
            return try await fill(place)
        }
        guard best.callCount > 0, let free else { return best }
        // A busy connection is better than none.
        do throws(AssayError) { return try await fill(free) } catch {
            guard error != .closed else { throw error }
            return best
        }
    }

    func close() async {
        isClosed = true
        let closing = places
        places = places.map { _ in .empty }
        for place in closing {
            switch place {
            case .empty: break
            case .open(let connection): await connection.close()
            case .opening(let task): if case .success(let connection) = await task.value { await connection.close() }
            }
        }
    }

    /// Opens a connection in a place, or waits for the one who does already.
    private func fill(_ index: Int) async throws(AssayError) -> AssayConnection {
        if case .opening(let task) = places[index] { return try await task.value.get() }
        let open = self.open
        // Not the caller's own task: others may wait for the connection, too, when the caller is cancelled.
        let task = Task<Result<AssayConnection, AssayError>, Never> {
            do throws(AssayError) { return .success(try await open()) } catch { return .failure(error) }
        }
        places[index] = .opening(task)
        let result = await task.value
        if isClosed { throw .closed }
        if case .success(let connection) = result { places[index] = .open(connection) } else { places[index] = .empty }
        return try result.get()
    }
}
