#include "media/video_vectors.hpp"

// Made with libx265 by ffmpeg 5.1 from its own test picture.
namespace millrace::media {

namespace {

CodedStream main() {
    return {"main, open GOP",
            640,
            360,
            25,
            2,
            "hvc1.1.6.L63.90",
            {
                {{"40010c01ffff01600000030090000003000003003f959409",
                  "42010101600000030090000003000003003fa0050201696595964932bc05a02000000300200000030321",
                  "4401c172b66240", "2801af1d30c6133ef2ae51"},
                 PictureType::i,
                 true,
                 false,
                 33},
                {{"0201d02149e10c63a616cbdb4b10b4"}, PictureType::p, false, false, 33},
                {{"0201e044957810c18486165440c81361"}, PictureType::b, false, false, 35},
                {{"0001e024fd7e8886030a4c290107027877"}, PictureType::b, false, false, 36},
                {{"0001e066b5fd410c06141851c4188750"}, PictureType::b, false, false, 36},
                {{"40010c01ffff01600000030090000003000003003f959409",
                  "42010101600000030090000003000003003fa0050201696595964932bc05a02000000300200000030321",
                  "4401c172b66240", "2a01ac184a2271930c61e4833277"},
                 PictureType::i,
                 true,
                 false,
                 32},
                {{"1001e0a22d57f7043006141850e60802b0"}, PictureType::b, false, true, 36},
                {{"0201d05149e10c6386168785f87791"}, PictureType::p, false, false, 33},
                {{"0201e104957810c18486163381380a6b"}, PictureType::b, false, false, 35},
            }};
}

CodedStream main10() {
    return {
        "main 10, two slices, two sub-layers",
        330,
        190,
        30000.0 / 1001,
        2,
        "hvc1.2.4.L60.90",
        {
            {{"460110", "40010c02ffff02200000030090000003000003003c00009598acc048",
              "42010202200000030090000003000003003c0000a00a880c1c94d965662b349272bc05a02000007d20000ea60c0291"
              "8dc001e848003d0970007a12000f4244",
              "4401c172b44240", "4e0181010f80", "4e0100068009e340232880", "4e010102000a80",
              "2801af0860c7ff50f69df9", "28012678410ada20f9eece"},
             PictureType::i,
             true,
             false,
             34},
            {{"460130", "4e010102001a80", "0201d0294be10c610cc1ab167fb5fb",
              "02014c814a5f086308211310fb692e34"},
             PictureType::p,
             false,
             false,
             34},
            {{"460150", "4e010102020e80", "0201e0649d78612ce4d396f18d2d", "02014d0324ebc30923cd80a512f4ed"},
             PictureType::b,
             false,
             false,
             35},
            {{"460150", "4e010102040280", "0402e024f55fa2c298e490bfbf99e9", "04024d0127aafd161446be93c96a46"},
             PictureType::b,
             false,
             false,
             36},
        }};
}

CodedStream fade() {
    return {"weighted prediction, HRD",
            640,
            360,
            25,
            2,
            "hvc1.1.6.L63.90",
            {
                {{"460110", "40010c01ffff01600000030090000003000003003f959009",
                  "42010101600000030090000003000003003fa0050201696595924932bc05a0200000030020000003032c24924b"
                  "c0061a800c3510",
                  "4401c172b66240", "4e0181010f80", "4e01000780013c6804651080", "4e010102000280",
                  "2801af1d316ad63170f701"},
                 PictureType::i,
                 true,
                 false,
                 33},
                {{"460110", "4e010102000280", "0201d8097e3a611d8ec94a90"}, PictureType::i, false, false, 33},
                {{"460130", "4e010102004380", "0201d019d7f52aa0740e4080402026386153ea1a7ba1"},
                 PictureType::p,
                 false,
                 false,
                 33},
                {{"460150", "4e010102008180", "0001e046bff50ee80f41f07d07cb056282b0ad850634aba47170e7"},
                 PictureType::b,
                 false,
                 false,
                 36},
                {{"460130", "4e01010200c380", "0201d028955fdc43018e185644bb26d284"},
                 PictureType::p,
                 false,
                 false,
                 33},
                {{"460150", "4e010102010180", "0001e0822d7fdc3e405c341441570e880dc3761498d00c7ac7c0"},
                 PictureType::b,
                 false,
                 false,
                 36},
            }};
}

}   // namespace

std::vector<CodedStream> h265_streams() {
    return {main(), main10(), fade()};
}

}   // namespace millrace::media
