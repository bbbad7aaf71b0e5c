// Decoded frames out of a receiver, into OpenCV: prints how much moved from each picture to the next.
//   millrace receive rtsp://server:8554/live/cam --raw bgr24 | opencv_receive 640 480
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: opencv_receive WIDTH HEIGHT\n");
        return 2;
    }
    cv::Mat picture(std::stoi(argv[2]), std::stoi(argv[1]), CV_8UC3);
    cv::Mat grey;
    cv::Mat before;
    cv::Mat moved;
    const std::size_t bytes = picture.total() * picture.elemSize();
    for (long number = 0; std::fread(picture.data, 1, bytes, stdin) == bytes; ++number) {
        cv::cvtColor(picture, grey, cv::COLOR_BGR2GRAY);
        if (!before.empty()) {
            cv::absdiff(grey, before, moved);
            std::printf("picture %ld: %.2f\n", number, cv::mean(moved)[0]);
            std::fflush(stdout);
        }
        grey.copyTo(before);
    }
    return 0;
}
