// A bounded map that forgets what was asked for longest ago. Of one thread.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <utility>

namespace metron {

template <typename Key, typename Value>
class LruCache {
 public:
  explicit LruCache(std::size_t most) : most_(most) {}

  // Null if there is none. What is found is the latest asked for; it stays until `most` others were inserted.
  Value* find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &entries_.front().second;
  }

  // A key that is new.
  Value& insert(const Key& key, Value value) {
    if (entries_.size() >= most_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    places_.emplace(key, entries_.begin());
    return entries_.front().second;
  }

  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<Key, Value>>;
  std::size_t most_;
  Entries entries_;  // the latest asked for first
  std::map<Key, typename Entries::iterator> places_;
};

}  // namespace metron
