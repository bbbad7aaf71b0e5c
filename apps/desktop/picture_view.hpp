#pragma once

#include "apps/desktop/picture_line.hpp"

#include <QWidget>

#include <functional>

namespace millrace::apps {

/// Shows the newest picture in its shape on black, or why there is none. Interface thread only.
class PictureView final : public QWidget {
public:
    struct Ends {
        std::function<void(const session::LentPicture&)> drawn;    ///< it stands on the screen now
        std::function<void(const session::LentPicture&)> unseen;   ///< another came before it was drawn
        std::function<void(QSize)> fit;                            ///< the area, in pixels of the screen
        std::function<void()> double_click;
    };
    PictureView(QWidget* parent, Ends ends);

    void show_frame(Frame frame);
    /// At once; `why` may be empty.
    void go_black(const QString& why);
    bool is_black() const { return frame_.is_black(); }
    /// What stands there, as it was decoded.
    const QImage& whole() const { return frame_.whole; }
    QSize area() const { return size() * devicePixelRatioF(); }
    QSize sizeHint() const override;

private:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void forget();

    Ends ends_;
    Frame frame_;
    bool drawn_ = true;
    QString why_;
};

}   // namespace millrace::apps
