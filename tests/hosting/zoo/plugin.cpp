// A gain that misbehaves as the name of its bundle says: Gain, CrashOnLoad, CrashOnBlock, HangOnLoad, Hang, Flood,
// CrashOnce (not where it crashed before), Leak, NaN, Lying (about its latency), Late (and tells it), Clock (another sound each time), Exit, Child (starts
// a process that stays, and crashes).
#include "DistrhoPlugin.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>
#include <string>

START_NAMESPACE_DISTRHO

static const uint32_t LATE = 256;     // frames
static const uint32_t WELL = 60;      // blocks that go well before what goes wrong in process

static std::string bundle() {
    Dl_info info;
    if (!dladdr(reinterpret_cast<void*>(&bundle), &info)) return "";
    std::string path(info.dli_fname);
    path = path.substr(path.rfind('/') + 1);
    return path.substr(0, path.rfind('.'));
}

class Zoo : public Plugin {
    const std::string kind = bundle();
    float db = 0.f;
    uint32_t blocks = 0, at = 0;
    float ring[2][LATE] = {};

public:
    Zoo() : Plugin(1, 0, 0) {
        if (kind == "CrashOnLoad") std::abort();
        if (kind == "HangOnLoad") for (;;) {}
        if (kind == "Child" && fork() == 0) for (;;) sleep(1000);
        if (kind == "Lying" || kind == "Late") setLatency(LATE);
    }

protected:
    const char* getLabel() const override { return "Zoo"; }
    const char* getMaker() const override { return "Melancholia"; }
    const char* getLicense() const override { return "MIT"; }
    uint32_t getVersion() const override { return d_version(1, 0, 0); }
    int64_t getUniqueId() const override { 
#ifdef SECOND
        return d_cconst('M', 'e', 'l', 'Y');
#else
        return d_cconst('M', 'e', 'l', 'Z');
#endif
    }
    void initParameter(uint32_t, Parameter& p) override {
        p.hints = kParameterIsAutomatable;
        p.name = "Gain";
        p.symbol = "gain";
        p.unit = "dB";
        p.ranges.min = -60.f;
        p.ranges.max = 24.f;
        p.ranges.def = 0.f;
    }
    // Crashes unless the file that ZOO_MARK names is there, and makes it.
    static void once() {
        const char* mark = std::getenv("ZOO_MARK");
        std::FILE* file = mark ? std::fopen(mark, "r") : nullptr;
        if (!file) {
            if (mark) std::fclose(std::fopen(mark, "w"));
            std::abort();
        }
        std::fclose(file);
    }
    float getParameterValue(uint32_t) const override { return db; }
    void setParameterValue(uint32_t, float value) override { db = value; }
    void activate() override {
        std::memset(ring, 0, sizeof ring);
        at = 0;
    }
    void run(const float** in, float** out, uint32_t frames) override {
        ++blocks;
        if (blocks > WELL) {
            if (kind == "CrashOnBlock" || kind == "Child") *static_cast<volatile int*>(nullptr) = 1;
            if (kind == "Hang") for (;;) {}
            if (kind == "Exit") std::_Exit(7);
            if (kind == "CrashOnce") once();
        }
        if (kind == "Flood")
            for (int k = 0; k < 100; ++k) {
                std::fprintf(stdout, "a line of stdout, number %d of block %u\n", k, blocks);
                std::fprintf(stderr, "a line of stderr, number %d of block %u\n", k, blocks);
            }
        if (kind == "Leak") std::memset(std::malloc(100000), 1, 100000);
        float gain = std::pow(10.f, db / 20.f);
        if (kind == "Clock") {
            const auto now = std::chrono::high_resolution_clock::now().time_since_epoch().count();
            gain *= 1.f - 1e-3f * static_cast<float>(now / 1000 % 1000) / 1000.f;
        }
        for (uint32_t i = 0; i < frames; ++i) {
            for (int c = 0; c < 2; ++c) {
                float x = in[c][i] * gain;
                if (kind == "Late") std::swap(x, ring[c][at]);
                out[c][i] = x;
            }
            at = (at + 1) % LATE;
        }
        if (kind == "NaN" && blocks > WELL) out[0][0] = NAN;
    }
};

Plugin* createPlugin() { return new Zoo(); }

END_NAMESPACE_DISTRHO
