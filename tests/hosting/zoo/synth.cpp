// A synthesizer: a cosine for each key, loud as its velocity, which begins on the very frame; a release of a tenth of a
// second, or as its knob says; controller 11 is its level.
#include "DistrhoPlugin.hpp"

#include <cmath>

START_NAMESPACE_DISTRHO

class Synth : public Plugin {
    struct Voice {
        double phase = 0, step = 0;
        float gain = 0, fall = 1;
    };
    Voice voices[128];
    float release = 0.1f, level = 1.f;

public:
    Synth() : Plugin(1, 0, 0) {}

protected:
    const char* getLabel() const override { return "Synth"; }
    const char* getMaker() const override { return "Melancholia"; }
    const char* getLicense() const override { return "MIT"; }
    uint32_t getVersion() const override { return d_version(1, 0, 0); }
    int64_t getUniqueId() const override { return d_cconst('M', 'e', 'l', 'S'); }
    void initParameter(uint32_t, Parameter& p) override {
        p.hints = kParameterIsAutomatable;
        p.name = "Release";
        p.symbol = "release";
        p.unit = "s";
        p.ranges.min = 0.01f;
        p.ranges.max = 2.f;
        p.ranges.def = 0.1f;
    }
    float getParameterValue(uint32_t) const override { return release; }
    void setParameterValue(uint32_t, float value) override { release = value; }
    void activate() override {
        for (Voice& voice : voices) voice = Voice();
        level = 1.f;
    }
    void heard(const uint8_t* data) {
        Voice& voice = voices[data[1] & 127];
        switch (data[0] & 0xF0) {
        case 0x90:
            voice.phase = 0;
            voice.step = 2 * M_PI * 440 * std::pow(2.0, (data[1] - 69) / 12.0) / getSampleRate();
            voice.gain = data[2] / 127.f;
            voice.fall = 1.f;
            break;
        case 0x80:
            voice.fall = std::exp(-6.9f / (release * static_cast<float>(getSampleRate())));
            break;
        case 0xB0:
            if (data[1] == 11) level = data[2] / 127.f;
        }
    }
    void run(const float**, float** out, uint32_t frames, const MidiEvent* events, uint32_t count) override {
        uint32_t next = 0;
        for (uint32_t i = 0; i < frames; ++i) {
            for (; next < count && events[next].frame <= i; ++next) heard(events[next].data);
            float sum = 0;
            for (int key = 0; key < 128; ++key) {
                Voice& voice = voices[key];
                if (voice.gain < 1e-7f) continue;
                sum += voice.gain * static_cast<float>(std::cos(voice.phase));
                voice.phase += voice.step;
                voice.gain *= voice.fall;
            }
            out[0][i] = out[1][i] = 0.2f * level * sum;
        }
    }
};

Plugin* createPlugin() { return new Synth(); }

END_NAMESPACE_DISTRHO
