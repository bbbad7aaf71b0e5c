#pragma once

#include <mutex>

namespace millrace {

#define MILLRACE_GUARDED_BY(mutex) __attribute__((guarded_by(mutex)))

/// A mutex that clang's -Wthread-safety understands: what it guards is marked MILLRACE_GUARDED_BY.
class __attribute__((capability("mutex"))) Mutex {
public:
    void lock() __attribute__((acquire_capability())) { mutex_.lock(); }
    void unlock() __attribute__((release_capability())) { mutex_.unlock(); }

private:
    std::mutex mutex_;
};

/// Holds a Mutex while it lives.
class __attribute__((scoped_lockable)) MutexLock {
public:
    explicit MutexLock(Mutex& mutex) __attribute__((acquire_capability(mutex))) : mutex_{mutex} {
        mutex_.lock();
    }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;
    ~MutexLock() __attribute__((release_capability())) { mutex_.unlock(); }

private:
    Mutex& mutex_;
};

}   // namespace millrace
