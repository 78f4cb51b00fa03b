// C++ gRPC, asynchronous: one completion queue and one thread, which scores with XGBoost's C API.
//   grpc_server PORT LIBXGBOOST MODEL FEATURES
// Prints `ready` when it takes requests.

#include <grpcpp/grpcpp.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "score.grpc.pb.h"
#include "xgboost_model.h"

namespace {

// Calls that wait for requests: enough for every request in flight of the benchmark.
constexpr int kPosted = 512;
constexpr double kReview = 0.5, kDecline = 0.9;

// One call at a time; it goes through `requested` and `answered`, and is used again.
class Call {
  public:
    Call(peer::Scorer::AsyncService *service, grpc::ServerCompletionQueue *queue, XGBoostModel *model)
        : service_(service), queue_(queue), model_(model) {
        post();
    }

    void proceed(bool ok) {
        if (!ok) return;
        if (answered_) return post();
        answered_ = true;
        if (request_.features_size() != static_cast<int>(model_->features())) {
            responder_->FinishWithError(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "wrong number of features"), this);
            return;
        }
        float score = model_->score(request_.features().data());
        reply_.set_score(score);
        reply_.set_outcome(score >= kDecline ? 3 : score >= kReview ? 2 : 1);
        responder_->Finish(reply_, grpc::Status::OK, this);
    }

  private:
    void post() {
        answered_ = false;
        responder_.reset();
        context_ = std::make_unique<grpc::ServerContext>();
        responder_ = std::make_unique<grpc::ServerAsyncResponseWriter<peer::ScoreReply>>(context_.get());
        service_->RequestScore(context_.get(), &request_, responder_.get(), queue_, queue_, this);
    }

    peer::Scorer::AsyncService *service_;
    grpc::ServerCompletionQueue *queue_;
    XGBoostModel *model_;
    std::unique_ptr<grpc::ServerContext> context_;
    std::unique_ptr<grpc::ServerAsyncResponseWriter<peer::ScoreReply>> responder_;
    peer::ScoreRequest request_;
    peer::ScoreReply reply_;
    bool answered_ = false;
};

} // namespace

int main(int argc, char **argv) {
    if (argc != 5) return std::fprintf(stderr, "usage: grpc_server PORT LIBXGBOOST MODEL FEATURES\n"), 2;
    XGBoostModel model(argv[2], argv[3], std::strtoull(argv[4], nullptr, 10));
    peer::Scorer::AsyncService service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(std::string("127.0.0.1:") + argv[1], grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server) return 1;
    std::vector<std::unique_ptr<Call>> calls;
    for (int i = 0; i < kPosted; i++) calls.push_back(std::make_unique<Call>(&service, queue.get(), &model));
    std::puts("ready");
    std::fflush(stdout);
    void *tag;
    bool ok;
    while (queue->Next(&tag, &ok)) static_cast<Call *>(tag)->proceed(ok);
}
