// A camera's pictures, with what OpenCV makes of them, into a sender. The size must be known beforehand:
//   opencv_send 0 640 480 | millrace send 'raw:-?size=640x480&fps=30&format=bgr24' rtsp://server:8554/cam
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: opencv_send CAMERA_OR_FILE WIDTH HEIGHT\n");
        return 2;
    }
    const std::string source = argv[1];
    const cv::Size size{std::stoi(argv[2]), std::stoi(argv[3])};
    const bool is_number = source.find_first_not_of("0123456789") == std::string::npos;
    cv::VideoCapture camera;
    if (is_number ? !camera.open(std::stoi(source)) : !camera.open(source)) {
        std::fprintf(stderr, "opencv_send: %s cannot be opened\n", source.c_str());
        return 1;
    }
    cv::Mat picture;
    cv::Mat edges;
    while (camera.read(picture)) {
        cv::resize(picture, picture, size);
        cv::cvtColor(picture, edges, cv::COLOR_BGR2GRAY);
        cv::Canny(edges, edges, 60, 180);
        picture.setTo(cv::Scalar{0, 255, 0}, edges);   // what was found, in green
        const std::size_t bytes = picture.total() * picture.elemSize();
        if (std::fwrite(picture.data, 1, bytes, stdout) != bytes || std::fflush(stdout) != 0) {
            return 1;   // the sender ended
        }
    }
    return 0;
}
