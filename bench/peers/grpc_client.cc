// Closed loop of unary gRPC calls with finished messages: CONNECTIONS channels with DEPTH calls in flight each, for SECONDS.
//   grpc_client PORT METHOD MESSAGES CONNECTIONS DEPTH SECONDS
// MESSAGES: a file of requests, each with its length (4 bytes, little-endian) before it; they are sent in turn.
// Prints: replies, requests per second, p50, p99 and p99.9 in microseconds, processor time of its own per request in microseconds, and the
// first message's reply in hexadecimal digits.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// Counts by tenths of a microsecond, the last for everything above.
std::vector<uint64_t> histogram(1 << 22);
uint64_t replies = 0;
std::string first_reply;

std::vector<grpc::ByteBuffer> read_messages(const char *path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<grpc::ByteBuffer> messages;
    uint32_t size;
    while (file.read(reinterpret_cast<char *>(&size), sizeof size)) {
        std::string bytes(size, '\0');
        file.read(bytes.data(), size);
        grpc::Slice slice(bytes);
        messages.emplace_back(&slice, 1);
    }
    if (messages.empty()) std::fprintf(stderr, "grpc_client: no messages in %s\n", path), std::exit(1);
    return messages;
}

std::string bytes(const grpc::ByteBuffer &buffer) {
    std::vector<grpc::Slice> slices;
    std::string all;
    if (!buffer.Dump(&slices).ok()) return all;
    for (const auto &slice : slices) all.append(reinterpret_cast<const char *>(slice.begin()), slice.size());
    return all;
}

class Caller {
  public:
    Caller(grpc::GenericStub *stub, std::string method, grpc::CompletionQueue *queue, const std::vector<grpc::ByteBuffer> *messages, size_t next)
        : stub_(stub), method_(std::move(method)), queue_(queue), messages_(messages), next_(next), is_first_(next == 0) {}

    void start() {
        call_.reset();
        context_ = std::make_unique<grpc::ClientContext>();
        sent_ = Clock::now();
        call_ = stub_->PrepareUnaryCall(context_.get(), method_, (*messages_)[next_], queue_);
        next_ = next_ + 1 == messages_->size() ? 0 : next_ + 1;
        call_->StartCall();
        call_->Finish(&reply_, &status_, this);
    }

    void finished() {
        if (!status_.ok()) {
            std::fprintf(stderr, "grpc_client: %s\n", status_.error_message().c_str());
            std::exit(1);
        }
        if (first_reply.empty() && is_first_) first_reply = bytes(reply_);
        uint64_t tenths = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - sent_).count() / 100;
        histogram[std::min(tenths, histogram.size() - 1)]++;
        replies++;
    }

  private:
    grpc::GenericStub *stub_;
    std::string method_;
    grpc::CompletionQueue *queue_;
    const std::vector<grpc::ByteBuffer> *messages_;
    size_t next_;
    bool is_first_;
    Clock::time_point sent_;
    std::unique_ptr<grpc::ClientContext> context_;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> call_;
    grpc::ByteBuffer reply_;
    grpc::Status status_;
};

double percentile(double share) {
    uint64_t seen = 0;
    for (size_t i = 0; i < histogram.size(); i++)
        if ((seen += histogram[i]) >= static_cast<uint64_t>(replies * share)) return i / 10.0;
    return histogram.size() / 10.0;
}

double processor_seconds() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 7) return std::fprintf(stderr, "usage: grpc_client PORT METHOD MESSAGES CONNECTIONS DEPTH SECONDS\n"), 2;
    auto messages = read_messages(argv[3]);
    int connections = std::atoi(argv[4]), depth = std::atoi(argv[5]);
    double seconds = std::atof(argv[6]);
    grpc::CompletionQueue queue;
    std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < connections; i++) {
        grpc::ChannelArguments arguments;
        // A TCP connection of its own for each channel.
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        auto channel = grpc::CreateCustomChannel(std::string("127.0.0.1:") + argv[1], grpc::InsecureChannelCredentials(), arguments);
        if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30))) return std::fprintf(stderr, "grpc_client: no connection\n"), 1;
        stubs.push_back(std::make_unique<grpc::GenericStub>(channel));
        for (int j = 0; j < depth; j++)
            callers.push_back(std::make_unique<Caller>(stubs.back().get(), argv[2], &queue, &messages, (i * depth + j) % messages.size()));
    }
    auto start = Clock::now(), end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    double busy = processor_seconds();
    for (auto &caller : callers) caller->start();
    void *tag;
    bool ok;
    size_t waiting = callers.size();
    while (waiting > 0 && queue.Next(&tag, &ok)) {
        auto *caller = static_cast<Caller *>(tag);
        caller->finished();
        if (Clock::now() < end) caller->start(); else waiting--;
    }
    double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    std::printf("%llu %.1f %.1f %.1f %.1f %.3f ", static_cast<unsigned long long>(replies), replies / elapsed, percentile(0.5), percentile(0.99), percentile(0.999), (processor_seconds() - busy) * 1e6 / replies);
    for (unsigned char byte : first_reply) std::printf("%02x", byte);
    std::puts("");
}
