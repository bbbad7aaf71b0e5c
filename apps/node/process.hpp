#pragma once

namespace millrace::apps {

/// What a process that serves asks of the system: descriptors, and memory that goes back when it is free.
void prepare_process();

}   // namespace millrace::apps
