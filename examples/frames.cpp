// Frames without OpenCV: a moving gradient as bgr24, 30 a second, into a sender.
//   frames 640 360 | millrace send 'raw:-?size=640x360&fps=30&format=bgr24' rtsp://server:8554/live/cam
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
    const int width = argc > 1 ? std::atoi(argv[1]) : 640;
    const int height = argc > 2 ? std::atoi(argv[2]) : 360;
    const long frames = argc > 3 ? std::atol(argv[3]) : -1;   // endless
    if (width <= 0 || height <= 0) {
        std::fprintf(stderr, "usage: frames WIDTH HEIGHT [COUNT]\n");
        return 2;
    }
    std::vector<unsigned char> frame(static_cast<std::size_t>(width) * height * 3);
    auto due = std::chrono::steady_clock::now();
    for (long number = 0; number != frames; ++number) {
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) {
                unsigned char* const pixel = &frame[(static_cast<std::size_t>(y) * width + x) * 3];
                pixel[0] = static_cast<unsigned char>(x + number);
                pixel[1] = static_cast<unsigned char>(y + number);
                pixel[2] = static_cast<unsigned char>(x + y);
            }
        }
        if (std::fwrite(frame.data(), 1, frame.size(), stdout) != frame.size() || std::fflush(stdout) != 0) {
            return 1;   // the sender ended
        }
        std::this_thread::sleep_until(due += std::chrono::microseconds{1'000'000 / 30});
    }
    return 0;
}
