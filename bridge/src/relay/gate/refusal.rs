//! What was refused, counted.

/// Kinds of what a gate refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A CONNECT with a will on a topic that the user may not publish to.
    Will,
    /// A CONNECT with the client id of another user, or one that is not for users.
    ClientId,
    /// A CONNECT with an Authentication Method where the bridge signs in.
    AuthenticationMethod,
    /// A CONNECT of 3.1.1 where the bridge signs in by what only 5.0 has.
    Version,
    /// A message from the browser.
    Publish,
    /// A topic filter.
    Subscribe,
    /// A message from the broker.
    Receive,
    /// A packet that breaks MQTT.
    BadPacket,
    /// A packet above a maximum.
    TooLarge,
    /// A packet that did not arrive whole, while too much was held of others.
    NoRoom,
    /// What the broker sent is no MQTT.
    Broker,
    /// The broker refused the credentials of the bridge.
    Credentials,
}

impl Refusal {
    /// All kinds, in the order of their declaration.
    pub(crate) const ALL: [Self; 12] = [
        Self::Will,
        Self::ClientId,
        Self::AuthenticationMethod,
        Self::Version,
        Self::Publish,
        Self::Subscribe,
        Self::Receive,
        Self::BadPacket,
        Self::TooLarge,
        Self::NoRoom,
        Self::Broker,
        Self::Credentials,
    ];

    /// The label in metrics and logs.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Will => "will",
            Self::ClientId => "client_id",
            Self::AuthenticationMethod => "authentication_method",
            Self::Version => "version",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Receive => "receive",
            Self::BadPacket => "bad_packet",
            Self::TooLarge => "too_large",
            Self::NoRoom => "no_room",
            Self::Broker => "broker",
            Self::Credentials => "credentials",
        }
    }
}

/// Characters of a name that are logged at most.
const NAME_CHARACTERS: usize = 120;

/// Counts since they were last taken.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    counts: [u64; Refusal::ALL.len()],
    any: bool,
    first: Option<(Refusal, String)>,
}

impl Refusals {
    /// `name` is the topic, filter or reason, and only asked for the first time.
    pub(super) fn add(&mut self, refusal: Refusal, name: impl FnOnce() -> String) {
        if !self.any && self.first.is_none() {
            self.first = Some((refusal, name().chars().take(NAME_CHARACTERS).collect()));
        }
        self.any = true;
        if let Some(count) = self.counts.get_mut(refusal as usize) {
            *count += 1;
        }
    }

    pub(super) fn take(&mut self) -> impl Iterator<Item = (Refusal, u64)> {
        let counts = std::mem::take(&mut self.counts);
        Refusal::ALL
            .into_iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
    }

    pub(super) fn take_first(&mut self) -> Option<(Refusal, String)> {
        self.first.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_kind_and_named_once() {
        let mut refusals = Refusals::default();
        refusals.add(Refusal::Publish, || "a".repeat(500));
        refusals.add(Refusal::Credentials, || panic!("only the first is named"));
        assert_eq!(refusals.take_first(), Some((Refusal::Publish, "a".repeat(120))));
        refusals.add(Refusal::Publish, || panic!("only the first is named"));
        assert_eq!(refusals.take_first(), None);
        let counts: Vec<_> = refusals.take().collect();
        assert_eq!(counts, [(Refusal::Publish, 2), (Refusal::Credentials, 1)]);
        assert_eq!(refusals.take().count(), 0);
    }

    #[test]
    fn every_kind_has_its_place() {
        for (at, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, at);
        }
    }
}
