#pragma once

#include "base/executor.hpp"
#include "base/timer.hpp"
#include "control/policy.hpp"
#include "hub/sessions.hpp"

#include <memory>
#include <vector>

namespace millrace::control {

/// Ends the conversations of one worker whose user or token has lost the right to them. Own thread only.
void sweep(hub::Sessions& sessions, const Policy& policy, WallTime now);

/// Sweeps all workers every few seconds, and at once after the policy changed: what was taken back is gone
/// within `every`, also for who was let in a moment before. Lives on `home`; ends after it has stopped, and
/// before the sessions do.
class Sweeper final : Timer {
public:
    static constexpr Duration every = 5s;

    Sweeper(Executor& home, std::vector<hub::Sessions*> sessions);

    /// The first one starts it. Any thread.
    void use(std::shared_ptr<const Policy> policy);

private:
    void on_time() override;

    Executor& home_;
    const std::vector<hub::Sessions*> sessions_;
    std::shared_ptr<const Policy> policy_;
};

}   // namespace millrace::control
