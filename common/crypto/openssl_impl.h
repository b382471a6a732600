// Owning pointers for OpenSSL's objects, and its bytes as ours. For .cc files of common/crypto, common/sys,
// common/warrant.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>

#include <memory>

#include "common/base/bytes.h"

namespace reeve::crypto {

template <auto free_function>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};

template <typename T, auto free_function>
using OpensslPointer = std::unique_ptr<T, OpensslFree<free_function>>;

using BioPointer = OpensslPointer<BIO, BIO_free_all>;
using PkeyPointer = OpensslPointer<EVP_PKEY, EVP_PKEY_free>;

inline const unsigned char* data_of(BytesView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* data_of(Bytes& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace reeve::crypto
