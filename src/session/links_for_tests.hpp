#pragma once

#include "session/link_dial.hpp"
#include "session/link_port.hpp"
#include "session/link_pull.hpp"
#include "session/link_push.hpp"
#include "session/link_serve.hpp"
#include "session/pushes_for_tests.hpp"

/// What the tests of links share: a node that is called by them, and one that calls it.
namespace millrace::session::toys {

inline constexpr std::array link_destinations{ForwardKind{"kcp", link_push}};
inline constexpr std::array link_sources{SourceKind{"kcp", link_pull, true}};

/// Lets in one user by a password, and one who was proven by a key; all others nowhere.
class OneUserMay final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        const bool good = petition.query == "user=cam&pass=secret" || petition.proven_user == "gate";
        encrypted = encrypted && petition.encrypted;
        if (!good) {
            reply.give(fail(Errc::unauthenticated, "wrong user or password"));
        } else {
            reply.give(hub::Admitted{.identity = {.name = "user cam"}});
        }
    }
    bool encrypted = true;
};

/// A node that others call by links, and one that calls it; both on one directory, over a network that does
/// what the test says.
class LinkTest : public PushTest {
protected:
    explicit LinkTest(bool follow_links = false) : PushTest{link_destinations, follow_links} {
        connector_.network = &network_;
        desk_.node_id = "0123456789abcdef";
        far_.node_id = "fedcba9876543210";
        far_.uplink_hall = &hall_;
        far_executor_.run([this] { port_.listen(); });
    }
    ~LinkTest() override {
        push({});
        executor_.run([this] { pulls_.stop("live/pulled"); });
        pass(8s);
        world_.time.stop();
    }
    /// The other way round has its own chances.
    void path(const VirtualPath& both) {
        network_.set_path({"192.0.2.1", 0}, {"203.0.113.5", 0}, both);
        network_.set_path({"203.0.113.5", 0}, {"192.0.2.1", 0}, both);
    }
    static std::string fingerprint() { return link::text_of(*link::fingerprint_of(identity.certificate)); }
    static std::string address(std::string_view name, std::string_view query = {}) {
        return fmt::format("kcp://203.0.113.5:8910/{}?user=cam&pass=secret&fingerprint={}{}", name,
                           fingerprint(), query);
    }
    std::optional<hub::StreamReport> at(std::string_view name) {
        for (const hub::StreamReport& one : world_.reports()) {
            if (one.name == name) {
                return one;
            }
        }
        return std::nullopt;
    }
    std::uint64_t pictures(std::string_view name) {
        const auto report = at(name);
        return report ? units_of(*report, media::Kind::video) : 0;
    }
    /// Until it goes there.
    void publish_to(std::string to) {
        publish();
        show(1);
        push({std::move(to)});
        for (int i = 0; i < 100 && report().state != hub::ForwardState::live; ++i) {
            show(1);
        }
        ASSERT_EQ(report().state, hub::ForwardState::live) << report().reason;
    }
    std::string refusal_of(std::string to) {
        publish();
        show(1);
        push({std::move(to)});
        for (int i = 0; i < 300 && report().state != hub::ForwardState::broken; ++i) {
            show(1);
        }
        return report().reason;
    }

    Task<> call_and_say_nothing(LinkCall whom) {
        auto calling = link_dial(executor_, connector_, random_, std::move(whom));
        auto called = co_await calling;
        if (called) {
            silent_.push_back(std::move(*called));
        }
    }

    static inline const link::Identity identity = *link::make_identity("server");
    VirtualNetwork network_{world_.time};
    VirtualExecutor& far_executor_ = world_.time.add_executor();
    OneUserMay gate_;
    hub::UplinkHall hall_;
    std::unique_ptr<link::DtlsServer> dtls_ =
        *link::DtlsServer::make(identity, {{"gate", std::vector<std::byte>(16, std::byte{7})}}, random_);
    std::unique_ptr<Desk> far_desk_ = std::make_unique<Desk>(far_executor_, world_.directory, gate_, random_);
    Desk& far_ = *far_desk_;
    LinkPort port_{far_executor_, std::move(*network_.open(far_executor_, {"203.0.113.5", 8910})),
                   LinkPort::Means{*dtls_, random_}, [this](std::unique_ptr<LinkConnection> connection) {
                       far_executor_.tasks().spawn(link_serve(far_, std::move(connection)));
                   }};
    Sources pulls_{desk_, {spawner_, connector_, link_sources}};
    std::vector<std::unique_ptr<LinkConnection>> silent_;
};

}   // namespace millrace::session::toys
