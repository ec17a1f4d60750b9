// A bundle that holds two plugins: a factory of VST3 that hands on to those of One.so and Two.so beside it.
#include <cstdint>
#include <dlfcn.h>
#include <string>

#include "travesty/factory.h"

struct Table {
    v3_result (*query_interface)(void*, const v3_tuid, void**);
    uint32_t (*ref)(void*);
    uint32_t (*unref)(void*);
    v3_result (*get_factory_info)(void*, v3_factory_info*);
    int32_t (*num_classes)(void*);
    v3_result (*get_class_info)(void*, int32_t, v3_class_info*);
    v3_result (*create_instance)(void*, const v3_tuid, const v3_tuid, void**);
};

static void* inner[2];

static const Table* table(void* factory) { return *static_cast<Table**>(factory); }

static v3_result query(void* self, const v3_tuid iid, void** found) {
    if (!v3_tuid_match(iid, v3_funknown_iid) && !v3_tuid_match(iid, v3_plugin_factory_iid)) {
        *found = nullptr;
        return V3_NO_INTERFACE;
    }
    *found = self;
    return V3_OK;
}

static uint32_t counted(void*) { return 1; }

static v3_result about(void*, v3_factory_info* info) { return table(inner[0])->get_factory_info(inner[0], info); }

static int32_t classes(void*) { return table(inner[0])->num_classes(inner[0]) + table(inner[1])->num_classes(inner[1]); }

static v3_result about_class(void*, int32_t k, v3_class_info* info) {
    const int32_t first = table(inner[0])->num_classes(inner[0]);
    void* of = inner[k < first ? 0 : 1];
    return table(of)->get_class_info(of, k < first ? k : k - first, info);
}

static v3_result create(void*, const v3_tuid class_id, const v3_tuid iid, void** made) {
    for (void* of : inner)
        if (table(of)->create_instance(of, class_id, iid, made) == V3_OK) return V3_OK;
    return V3_NO_INTERFACE;
}

static Table own = {query, counted, counted, about, classes, about_class, create};
static Table* self = &own;

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT bool ModuleEntry(void* handle) {
    Dl_info info;
    dladdr(reinterpret_cast<void*>(&query), &info);
    std::string folder(info.dli_fname);
    folder = folder.substr(0, folder.rfind('/') + 1);
    const char* names[2] = {"One.so", "Two.so"};
    for (int k = 0; k < 2; ++k) {
        void* library = dlopen((folder + names[k]).c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library || !reinterpret_cast<bool (*)(void*)>(dlsym(library, "ModuleEntry"))(handle)) return false;
        inner[k] = reinterpret_cast<void* (*)()>(dlsym(library, "GetPluginFactory"))();
    }
    return true;
}

EXPORT bool ModuleExit() { return true; }

EXPORT void* GetPluginFactory() { return &self; }
