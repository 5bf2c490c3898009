// Memory asked for ahead of its use, where the processor cannot foresee it: rows of a tile are far apart.

import COpenBLAS

/// Asks for a cache line, in the second-level cache. An address outside of memory does no harm.
@inlinable @inline(__always)
public func prefetchLine(_ address: UnsafeRawPointer) { operators_prefetch(address) }

/// Asks for a cache line that will be written.
@inlinable @inline(__always)
public func prefetchLineToWrite(_ address: UnsafeRawPointer) { operators_prefetch_to_write(address) }

/// Asks for rows of `count` numbers, `stride` numbers apart. Addresses outside of memory do no harm.
public func prefetchRows<Element>(_ first: UnsafePointer<Element>, rows: Int, stride: Int, count: Int) {
  let bytes = count * MemoryLayout<Element>.stride
  for row in 0..<rows {
    let address = UnsafeRawPointer(first + row * stride)
    for line in Swift.stride(from: 0, to: bytes, by: 64) { prefetchLine(address + line) }
  }
}

/// Asks for rows that will be written.
public func prefetchRowsToWrite<Element>(_ first: UnsafePointer<Element>, rows: Int, stride: Int, count: Int)
{
  let bytes = count * MemoryLayout<Element>.stride
  for row in 0..<rows {
    let address = UnsafeRawPointer(first + row * stride)
    for line in Swift.stride(from: 0, to: bytes, by: 64) { prefetchLineToWrite(address + line) }
  }
}
