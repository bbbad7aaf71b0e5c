#pragma once

#include "hub/admission.hpp"

namespace millrace::control {

/// `--open`: anyone may do anything. Otherwise nobody may, and is told how to open. Any thread.
class OpenOrClosed final : public hub::Admission {
public:
    explicit OpenOrClosed(bool open) : open_{open} {}
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override;

private:
    const bool open_;
};

}   // namespace millrace::control
