// Bodies in each content coding, made by the libraries themselves.
#pragma once

#include <zlib.h>
#include <zstd.h>

#include "common/sys/content_coding.h"

namespace reeve::sys {

inline Bytes encode(ContentCoding coding, BytesView plain) {
  if (coding == ContentCoding::identity) return Bytes(plain);
  if (coding == ContentCoding::gzip) return gzip(plain, 9);
  if (coding == ContentCoding::deflate) {
    uLongf size = compressBound(plain.size());
    Bytes coded(size, '\0');
    compress(reinterpret_cast<Bytef*>(coded.data()), &size, reinterpret_cast<const Bytef*>(plain.data()), plain.size());
    coded.resize(size);
    return coded;
  }
  Bytes coded(ZSTD_compressBound(plain.size()), '\0');
  coded.resize(ZSTD_compress(coded.data(), coded.size(), plain.data(), plain.size(), 3));
  return coded;
}

}  // namespace reeve::sys
