//! Who asks, and with which right.

use planshift_domain::ids::PartnerId;
use uuid::Uuid;

/// What a path needs, and what a caller has: each has those before it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Nothing, not even a token.
    Open,
    /// To look: every role of a partner has it.
    Read,
    /// To sell: agreements, carts, orders, and the start of a transition. Partner Center's sales agents have it.
    Sell,
    /// Everything else of a partner: its admin agents have it.
    Manage,
    /// What belongs to the whole installation.
    Operate,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The partner that it sees the customers of; all of them where there is none.
    pub(crate) partner: Option<PartnerId>,
    /// Who, in histories.
    pub(crate) actor: String,
    right: Right,
    is_app_only: bool,
}

impl Caller {
    /// Whoever has the local token.
    pub(crate) fn local() -> Self {
        Self { partner: None, actor: "local".to_owned(), right: Right::Operate, is_app_only: false }
    }

    /// Whoever opens a page that needs no token: it sees nothing of anybody.
    pub(crate) fn nobody() -> Self {
        Self { partner: Some(PartnerId(Uuid::nil())), actor: "nobody".to_owned(), right: Right::Open, is_app_only: false }
    }

    /// Somebody of a partner, or an app of it that acts without anybody.
    pub(super) const fn of_partner(partner: PartnerId, right: Right, actor: String, is_app_only: bool) -> Self {
        Self { partner: Some(partner), actor, right, is_app_only }
    }

    /// An operator of the installation, of its own tenant.
    pub(super) const fn operator(actor: String, is_app_only: bool) -> Self {
        Self { partner: None, actor, right: Right::Operate, is_app_only }
    }

    /// The key under which its idempotency keys stand.
    pub(crate) fn key(&self) -> Uuid {
        self.partner.map_or(Uuid::nil(), |partner| partner.0)
    }

    /// Is it of no partner, and may see everyone's?
    pub(crate) const fn sees_all(&self) -> bool {
        self.partner.is_none()
    }

    /// May it see what belongs to this partner?
    pub(crate) fn sees(&self, partner: PartnerId) -> bool {
        self.partner.is_none_or(|own| own == partner)
    }

    /// Has it this right?
    pub(crate) fn may(&self, needed: Right) -> bool {
        self.right >= needed
    }

    /// Does it act without a user? Source: the domain's rule E19.
    pub(crate) const fn is_app_only(&self) -> bool {
        self.is_app_only
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_has_those_before_it_and_nobody_sees_anything() {
        let partner = PartnerId(Uuid::from_u128(1));
        let seller = Caller::of_partner(partner, Right::Sell, String::new(), false);
        assert!(seller.may(Right::Read) && seller.may(Right::Sell) && !seller.may(Right::Manage) && !seller.may(Right::Operate));
        assert!(seller.sees(partner) && !seller.sees(PartnerId(Uuid::from_u128(2))) && !seller.sees_all());
        assert!(Caller::local().may(Right::Operate) && Caller::local().sees_all() && Caller::local().sees(partner));
        let nobody = Caller::nobody();
        assert!(!nobody.sees_all() && !nobody.sees(partner) && !nobody.may(Right::Read));
    }
}
