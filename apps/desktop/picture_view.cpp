#include "apps/desktop/picture_view.hpp"

#include <QPainter>

#include <utility>

namespace millrace::apps {

namespace {

constexpr QSize usual{832, 468};
constexpr QSize least{256, 144};
constexpr QRgb words_colour = 0xFF9AA0A8;

}   // namespace

PictureView::PictureView(QWidget* parent, Ends ends) : QWidget{parent}, ends_{std::move(ends)} {
    setAttribute(Qt::WA_OpaquePaintEvent);
    setMinimumSize(least);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleName(tr("Picture"));
}

QSize PictureView::sizeHint() const {
    return usual;
}

void PictureView::forget() {
    if (!std::exchange(drawn_, true)) {
        ends_.unseen(frame_.lent);
    }
}

void PictureView::show_frame(Frame frame) {
    forget();
    frame_ = std::move(frame);
    drawn_ = false;
    update();
}

void PictureView::go_black(const QString& why) {
    if (is_black() && why == why_) {
        return;
    }
    forget();
    frame_ = {};
    why_ = why;
    update();
}

void PictureView::paintEvent(QPaintEvent* /*event*/) {
    QPainter painter{this};
    painter.fillRect(rect(), Qt::black);
    if (is_black()) {
        constexpr int margin = 24;
        painter.setPen(QColor{words_colour});
        painter.drawText(rect().adjusted(margin, margin, -margin, -margin),
                         Qt::AlignCenter | Qt::TextWordWrap, why_);
        return;
    }
    QRect place{{}, PictureLine::fitted(frame_.whole.size(), size())};
    place.moveCenter(rect().center());
    painter.drawImage(place, frame_.fitted);
    if (!std::exchange(drawn_, true)) {
        ends_.drawn(frame_.lent);
    }
}

void PictureView::resizeEvent(QResizeEvent* /*event*/) {
    ends_.fit(area());
}

void PictureView::mouseDoubleClickEvent(QMouseEvent* /*event*/) {
    ends_.double_click();
}

}   // namespace millrace::apps
