// Arguments of a call from JavaScript, checked: a typed array that is too short would otherwise be read past its end.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace verlet {

class Args {
 public:
  Args(napi_env env, napi_callback_info info) : env_(env) {
    count_ = maximum;
    if (napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr) != napi_ok) throw std::runtime_error("no arguments");
  }

  /// The storage of a typed array of at least `length` numbers; likewise those below.
  float* floats(size_t index, size_t length) { return static_cast<float*>(array(index, napi_float32_array, length)); }
  int32_t* ints(size_t index, size_t length) { return static_cast<int32_t*>(array(index, napi_int32_array, length)); }
  uint32_t* uints(size_t index, size_t length) { return static_cast<uint32_t*>(array(index, napi_uint32_array, length)); }

  uint8_t* bytes(size_t index, size_t length) { return static_cast<uint8_t*>(array(index, napi_uint8_array, length)); }

  /// Entries of a typed array.
  size_t lengthOf(size_t index) {
    size_t length = 0;
    napi_status status = index < count_ ? napi_get_typedarray_info(env_, values_[index], nullptr, &length, nullptr, nullptr, nullptr)
                                        : napi_invalid_arg;
    check(status, index, "a typed array");
    return length;
  }

  /// True for undefined and null: an optional argument left out.
  bool isMissing(size_t index) {
    napi_valuetype type;
    if (index >= count_) return true;
    check(napi_typeof(env_, values_[index], &type), index, "a value");
    return type == napi_undefined || type == napi_null;
  }

  double number(size_t index) {
    double value = 0;
    check(index < count_ ? napi_get_value_double(env_, values_[index], &value) : napi_number_expected, index, "a number");
    return value;
  }

  /// A whole number, such as a size; at least 0.
  int64_t size(size_t index) {
    double value = number(index);
    if (!(value >= 0 && value <= 9007199254740992.0)) throw std::invalid_argument(name(index) + " is not a size");
    return static_cast<int64_t>(value);
  }

  bool flag(size_t index) {
    bool value = false;
    check(index < count_ ? napi_get_value_bool(env_, values_[index], &value) : napi_boolean_expected, index, "a boolean");
    return value;
  }

  std::string text(size_t index) {
    char buffer[256];
    size_t length = 0;
    check(index < count_ ? napi_get_value_string_utf8(env_, values_[index], buffer, sizeof buffer, &length) : napi_string_expected, index,
          "a text");
    return {buffer, length};
  }

  /// What the call returns; undefined unless set.
  void returns(const char* text) { napi_create_string_utf8(env_, text, NAPI_AUTO_LENGTH, &result_); }
  void returns(double value) { napi_create_double(env_, value, &result_); }
  napi_value result() const { return result_; }

  /// Entries of an array argument.
  size_t length(size_t index) {
    uint32_t length = 0;
    check(index < count_ ? napi_get_array_length(env_, values_[index], &length) : napi_array_expected, index, "an array");
    return length;
  }

  /// Float32Array number `entry` of an array argument.
  float* floatsOf(size_t index, uint32_t entry, size_t length) {
    napi_value value;
    check(napi_get_element(env_, values_[index], entry, &value), index, "an array");
    return static_cast<float*>(data(value, index, napi_float32_array, length));
  }

 private:
  static constexpr size_t maximum = 24;

  void* array(size_t index, napi_typedarray_type type, size_t length) {
    if (index >= count_) throw std::invalid_argument(name(index) + " is missing");
    return data(values_[index], index, type, length);
  }

  void* data(napi_value value, size_t index, napi_typedarray_type wanted, size_t length) {
    napi_typedarray_type type;
    size_t actual = 0;
    void* data = nullptr;
    check(napi_get_typedarray_info(env_, value, &type, &actual, &data, nullptr, nullptr), index, "a typed array");
    if (type != wanted) throw std::invalid_argument(name(index) + " is a typed array of another type");
    if (actual < length) {
      throw std::invalid_argument(name(index) + " has " + std::to_string(actual) + " entries, not " + std::to_string(length));
    }
    return data;
  }

  void check(napi_status status, size_t index, const char* what) {
    if (status != napi_ok) throw std::invalid_argument(name(index) + " is not " + what);
  }

  static std::string name(size_t index) { return "argument " + std::to_string(index); }

  napi_env env_;
  size_t count_;
  napi_value values_[maximum];
  napi_value result_ = nullptr;
};

}  // namespace verlet
