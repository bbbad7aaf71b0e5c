#pragma once

#include "apps/desktop/sentences.hpp"

#include <QImage>

#include <functional>

class QObject;

namespace millrace::apps {

/// Writes the picture as a PNG into the folder of pictures, on a thread aside; says on the thread of `asker`
/// where it is, or why it is not. `asker` waits for the threads of QThreadPool before it goes.
void save_snapshot(const QImage& picture, QObject* asker, std::function<void(const Sentence&)> say);

}   // namespace millrace::apps
