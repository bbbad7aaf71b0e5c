#pragma once

namespace millrace::apps {

/// What a process that serves asks of the system: descriptors, and memory that goes back when it is free.
void prepare_process();

/// From now on the kernel ends this process with the thread that started it, of process `parent`.
void end_with_parent(int parent);

}   // namespace millrace::apps
